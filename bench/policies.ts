// Network policies on a kernel: a thousand of them about a hundred pods, all at once; then one change of a pod, of a policy and of
// a namespace, until the kernel has it. node bench/policies.ts, as root
import { spawnSync } from 'node:child_process';
import type { Namespace, Pod } from '../generated/core-v1.ts';
import { namespaceKind, networkPolicyKind, podKind } from '../generated/kinds.ts';
import type { NetworkPolicy } from '../generated/networking-v1.ts';
import { systemClock } from '../src/base/clock.ts';
import { createLogger } from '../src/base/log.ts';
import { nft } from '../src/network/nftables/nft.ts';
import { createNetworkPolicies } from '../src/network/policy/network-policies.ts';
import { FakeInformerFactory } from '../src/network/testing/fake-informers.ts';
import { aPod } from '../src/network/testing/objects.ts';
import { type Figure, median, printAlone } from './report.ts';

const [namespaces, podsEach, policiesEach, changes] = [10, 10, 100, 30];
const table = 'coracle-bench-policies';

export async function measurePolicies(): Promise<Figure[]> {
  if (spawnSync('unshare', ['--net', 'true']).status !== 0) {
    console.error('policies are not measured: that needs root');
    return [];
  }
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--net', process.execPath, import.meta.filename, '--inside'],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Figure[];
}

async function measureInside(): Promise<Figure[]> {
  const informers = new FakeInformerFactory();
  const pods = informers.informer(podKind);
  const policies = informers.informer(networkPolicyKind);
  let settled = Promise.withResolvers<void>();
  let commands = 0;
  for (let n = 0; n < namespaces; n++) {
    informers.informer(namespaceKind).put(aNamespace(n, {}));
    for (let p = 0; p < podsEach; p++) pods.put(podOf(n, p, {}));
    for (let p = 0; p < policiesEach; p++) policies.put(policyOf(n, p, 80));
  }
  const component = createNetworkPolicies({
    table,
    nodeName: 'node-1',
    informers,
    clock: systemClock,
    log: createLogger((line) => process.stderr.write(line), 'warn'),
    nft: {
      ...nft,
      async apply(list) {
        commands = list.length;
        await nft.apply(list);
        settled.resolve();
      },
    },
  });
  const stop = new AbortController();
  const began = performance.now();
  const running = component.run(stop.signal);
  await component.ready;
  const all = performance.now() - began;
  const timeOf = async (change: (round: number) => void) => {
    const times: number[] = [];
    let count = 0;
    for (let round = 0; round < changes; round++) {
      settled = Promise.withResolvers();
      const started = performance.now();
      change(round);
      await settled.promise;
      times.push(performance.now() - started);
      count = commands;
    }
    return { ms: median(times), count };
  };
  const pod = await timeOf((round) => pods.put(podOf(3, 3, { app: `app-${round % 7}`, round: String(round) })));
  const policy = await timeOf((round) => policies.put(policyOf(4, 4, 81 + round)));
  const labels = await timeOf((round) =>
    informers.informer(namespaceKind).put(aNamespace(5, { zone: `z${round % 2}` })),
  );
  stop.abort();
  await running;
  const figure = (name: string, value: number, unit: string): Figure => ({
    name: `policies, 1,000 about 100 pods: ${name}`,
    value,
    unit,
    isCost: true,
  });
  return [
    figure('all of them', all, 'ms'),
    figure('a pod changes its labels', pod.ms, 'ms'),
    figure('commands for it', pod.count, ''),
    figure('a policy changes', policy.ms, 'ms'),
    figure('a namespace changes its labels', labels.ms, 'ms'),
  ];
}

function aNamespace(n: number, labels: Record<string, string>): Namespace {
  return {
    metadata: { name: `ns-${n}`, labels: { ns: `ns-${n}`, zone: `z${n % 2}`, ...labels } },
  } as unknown as Namespace;
}

function podOf(n: number, p: number, labels: Record<string, string>): Pod {
  const pod = aPod(`ns-${n}/pod-${p}`, {
    podIP: `10.244.${n}.${p + 2}`,
    spec: { nodeName: 'node-1', containers: [] } as never,
  });
  return { ...pod, metadata: { ...pod.metadata, labels: { app: `app-${p % 7}`, ...labels } } };
}

/** About pods of one app; lets in those of another app in namespaces of a zone, on a port, and one range of addresses. */
function policyOf(n: number, p: number, port: number): NetworkPolicy {
  return {
    metadata: { namespace: `ns-${n}`, name: `policy-${p}` },
    spec: {
      podSelector: { matchLabels: { app: `app-${p % 7}` } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { zone: `z${p % 2}` } },
              podSelector: { matchLabels: { app: `app-${(p + 1) % 7}` } },
            },
            { ipBlock: { cidr: `192.0.2.${p}/32` } },
          ],
          ports: [{ protocol: 'TCP', port }],
        },
      ],
    },
  } as NetworkPolicy;
}

if (process.argv.includes('--inside')) console.log(JSON.stringify(await measureInside()));
else if (import.meta.main) await printAlone(measurePolicies);
