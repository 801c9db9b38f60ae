// Policies on a real kernel: pods a and b in the namespaces x, y and z, and who reaches whom under each policy.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach, before } from 'node:test';
import type { Namespace, Pod } from '../../../generated/core-v1.ts';
import { namespaceKind, networkPolicyKind, podKind } from '../../../generated/kinds.ts';
import type { NetworkPolicy, NetworkPolicySpec } from '../../../generated/networking-v1.ts';
import { systemClock } from '../../base/clock.ts';
import { createLogger } from '../../base/log.ts';
import { ensureHostNetwork, removeHostNetwork } from '../cni/host-network.ts';
import { type Command, type Nft, nft, removeTable } from '../nftables/nft.ts';
import { createServiceProxy } from '../proxy/service-proxy.ts';
import { runCommand } from '../run-command.ts';
import { FakeInformerFactory } from '../testing/fake-informers.ts';
import { isInsideLab, type LabPod, labSkipReason, runInsideLab, startPod } from '../testing/lab.ts';
import { aPod } from '../testing/objects.ts';
import { createNetworkPolicies, type NetworkPolicies } from './network-policies.ts';

if (!isInsideLab()) {
  test('network policies on a kernel', { skip: labSkipReason() }, () => {
    const { code, output } = runInsideLab(import.meta.filename);
    assert.equal(code, 0, output);
  });
} else {
  runLab();
}

function runLab(): void {
  const names = ['x/a', 'x/b', 'y/a', 'y/b', 'z/a', 'z/b'];
  const ports = [80, 81];
  const informers = new FakeInformerFactory();
  const policies = informers.informer(networkPolicyKind);
  const pods = informers.informer(podKind);
  const namespaces = informers.informer(namespaceKind);
  const labPods = new Map<string, LabPod>();
  const stop = new AbortController();
  const events: string[] = [];
  /** A kernel that does not take rules about this port; nobody knows why. */
  const unlucky = 6666;
  const isTaken = (commands: readonly Command[]) => !JSON.stringify(commands).includes(`"right":${unlucky}`);
  const picky: Nft = {
    ...nft,
    apply: async (commands) => {
      if (!isTaken(commands)) throw new Error('no');
      await nft.apply(commands);
    },
    accepts: async (commands) => isTaken(commands) && nft.accepts(commands),
  };
  let folder: string;
  let component: NetworkPolicies;
  let running: Promise<unknown>;
  const network = () => ({
    clusterName: 'policy',
    podCidr: '10.211.0.0/24',
    serviceCidr: '10.212.0.0/16',
    cniConfDir: join(folder, 'net.d'),
    ipamDir: join(folder, 'ipam'),
    recordDir: join(folder, 'record'),
  });

  const startWebPod = () =>
    startPod({
      conflist: join(folder, 'net.d/10-coracle-policy.conflist'),
      program: `let left = 2;
        for (const port of [80, 81]) require('node:net').createServer((socket) => socket.on('error', () => {}).end('hi'))
          .listen(port, '0.0.0.0', () => --left || ready());`,
    });

  function podObject(key: string, podIP: string, labels: Record<string, string> = {}): Pod {
    const ports = [{ name: 'serve-80', containerPort: 80 }];
    const pod = aPod(key, { podIP, spec: { nodeName: 'node-1', containers: [{ name: 'c', ports }] as never } });
    return { ...pod, metadata: { ...pod.metadata, labels: { pod: key.split('/')[1]!, ...labels } } };
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'policy-lab-'));
    await runCommand('ip', ['link', 'set', 'lo', 'up']);
    const { bridge, bridgeMac } = await ensureHostNetwork(network());
    const common = {
      nodeName: 'node-1',
      informers,
      clock: systemClock,
      log: createLogger((line) => process.stderr.write(line), 'warn'),
      checkIntervalMs: 100,
    };
    const { podCidr, serviceCidr } = network();
    const table = { table: 'coracle-policy', bridge, bridgeMac, podCidr, clusterPodCidr: podCidr, serviceCidr };
    const proxy = createServiceProxy({ ...common, ...table });
    const recorder = {
      event: (about: { metadata: { name: string } }, type: string, reason: string, message: string) =>
        void events.push([about.metadata.name, type, reason, message].join(' ')),
    };
    component = createNetworkPolicies({ ...common, table: 'coracle-policy-policies', nft: picky, recorder });
    running = Promise.all([proxy.run(stop.signal), component.run(stop.signal)]);
    await Promise.all([proxy.ready, component.ready]);
    for (const name of ['x', 'y', 'z'])
      namespaces.put({ metadata: { name, labels: { ns: name } } } as unknown as Namespace);
    await Promise.all(
      names.map(async (key) => {
        const pod = await startWebPod();
        labPods.set(key, pod);
        pods.put(podObject(key, pod.address));
      }),
    );
  });

  afterEach(() => {
    for (const policy of policies.list()) policies.remove(`${policy.metadata.namespace}/${policy.metadata.name}`);
  });

  after(async () => {
    stop.abort();
    await running;
    for (const pod of labPods.values()) await pod[Symbol.asyncDispose]();
    await removeTable('coracle-policy');
    await removeTable('coracle-policy-policies');
    await removeHostNetwork(network());
    assert.doesNotMatch(await runCommand('nft', ['list', 'tables']), /coracle/);
    await rm(folder, { recursive: true });
  });

  let count = 0;
  function apply(namespace: string, spec: NetworkPolicySpec): string {
    const name = `policy-${count++}`;
    policies.put({ metadata: { namespace, name }, spec } as NetworkPolicy);
    return `${namespace}/${name}`;
  }

  /**
   * `x/a > y/b:80` for all that is let through. What is refused is dropped, so that silence has to be waited for: long where
   * an answer is awaited, on a machine that may have much else to do.
   */
  async function reachable(wanted: readonly string[]): Promise<string[]> {
    const probesFrom = (from: string) =>
      names.flatMap((key) =>
        ports.map((port) => {
          const label = `${from} > ${key}:${port}`;
          return { label, port, host: labPods.get(key)!.address, patienceMs: wanted.includes(label) ? 5_000 : 300 };
        }),
      );
    const script = (from: string) => `const net = require('node:net');
      Promise.all(${JSON.stringify(probesFrom(from))}.map(({ label, port, host, patienceMs }) => new Promise((resolve) => {
        const socket = net.connect({ host, port });
        const end = (...found) => { socket.destroy(); resolve(found); };
        socket.on('data', () => end(label)).on('error', () => end());
        setTimeout(end, patienceMs);
      }))).then((found) => { console.log(JSON.stringify(found.flat())); process.exit(); });`;
    const found = await Promise.all(
      names.map(async (from) => JSON.parse(await labPods.get(from)!.run(process.execPath, '-e', script(from)))),
    );
    return found.flat().sort();
  }

  /** Waits until exactly what `isAllowed` says, and each pod to itself, gets through. */
  async function expectMatrix(isAllowed: (from: string, to: string, port: number) => boolean): Promise<void> {
    const wanted = names
      .flatMap((from) => names.flatMap((to) => ports.map((port) => ({ from, to, port }))))
      .filter(({ from, to, port }) => from === to || isAllowed(from, to, port))
      .map(({ from, to, port }) => `${from} > ${to}:${port}`)
      .sort();
    for (let attempt = 0; ; attempt++) {
      const found = await reachable(wanted);
      if (attempt === 10) assert.deepEqual(found, wanted);
      else if (found.join() === wanted.join()) return;
    }
  }

  const [allIngress, allEgress] = [['Ingress'] as const, ['Egress'] as const].map(([type]) => ({
    podSelector: {},
    policyTypes: [type!],
  }));
  const toX = (_: string, to: string) => to.startsWith('x/');

  test('without policies everybody reaches everybody', () => expectMatrix(() => true));

  test('a policy without rules keeps all out of its namespace, and lets all out', async () => {
    apply('x', allIngress!);
    await expectMatrix((from, to) => !toX(from, to));
  });

  test('a policy of egress without rules keeps all in', async () => {
    apply('x', allEgress!);
    await expectMatrix((from) => !from.startsWith('x/'));
  });

  test('peers are chosen by their labels, those of their namespaces, or both', async () => {
    apply('x', { ...allIngress!, ingress: [{ from: [{ podSelector: { matchLabels: { pod: 'b' } } }] }] });
    await expectMatrix((from, to) => !toX(from, to) || from === 'x/b');
    apply('x', { ...allIngress!, ingress: [{ from: [{ namespaceSelector: { matchLabels: { ns: 'y' } } }] }] });
    await expectMatrix((from, to) => !toX(from, to) || from === 'x/b' || from.startsWith('y/'));
    const both = { namespaceSelector: { matchLabels: { ns: 'z' } }, podSelector: { matchLabels: { pod: 'a' } } };
    apply('x', { ...allIngress!, ingress: [{ from: [both] }] });
    await expectMatrix((from, to) => !toX(from, to) || ['x/b', 'y/a', 'y/b', 'z/a'].includes(from));
  });

  test('ports are numbers, ranges and names', async () => {
    const ingress = (port: object) => ({ ...allIngress!, ingress: [{ ports: [port] }] });
    apply('x', ingress({ port: 81 }));
    await expectMatrix((from, to, port) => !toX(from, to) || port === 81);
    apply('y', ingress({ port: 70, endPort: 80 }));
    apply('z', ingress({ port: 'serve-80' }));
    await expectMatrix((_, to, port) => port === (to.startsWith('x/') ? 81 : 80));
  });

  test('a rule of egress names ports of the pods it leads to', async () => {
    const to = [{ namespaceSelector: { matchLabels: { ns: 'y' } } }];
    apply('x', { ...allEgress!, egress: [{ to, ports: [{ port: 'serve-80' }] }] });
    await expectMatrix((from, to, port) => !from.startsWith('x/') || (to.startsWith('y/') && port === 80));
  });

  test('a range of addresses lets in all but its exceptions', async () => {
    // As old objects may spell it.
    const zeros = labPods.get('y/b')!.address.replace(/\d+/g, (part) => part.padStart(3, '0'));
    const except = [`${labPods.get('y/a')!.address}/32`, `${zeros}/032`];
    apply('x', { ...allIngress!, ingress: [{ from: [{ ipBlock: { cidr: '10.211.0.0/24', except } }] }] });
    await expectMatrix((from, to) => !toX(from, to) || !['y/a', 'y/b'].includes(from));
  });

  test('both ends have a say', async () => {
    apply('x', { ...allEgress!, egress: [{}] });
    apply('y', { ...allIngress!, ingress: [{ from: [{ namespaceSelector: {} }] }] });
    apply('z', allIngress!);
    await expectMatrix((_, to) => !to.startsWith('z/'));
  });

  test('labels that change, of pods and of namespaces, change who is let through', async () => {
    apply('x', { ...allIngress!, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'ok' } } }] }] });
    await expectMatrix((from, to) => !toX(from, to));
    namespaces.put({ metadata: { name: 'y', labels: { ns: 'y', team: 'ok' } } } as unknown as Namespace);
    await expectMatrix((from, to) => !toX(from, to) || from.startsWith('y/'));
    namespaces.put({ metadata: { name: 'y', labels: { ns: 'y' } } } as unknown as Namespace);
    apply('z', { podSelector: { matchLabels: { guarded: 'yes' } }, policyTypes: ['Ingress'] });
    await expectMatrix((from, to) => !toX(from, to));
    pods.put(podObject('z/a', labPods.get('z/a')!.address, { guarded: 'yes' }));
    await expectMatrix((from, to) => !toX(from, to) && to !== 'z/a');
    pods.put(podObject('z/a', labPods.get('z/a')!.address));
    await expectMatrix((from, to) => !toX(from, to));
  });

  test('a table flushed by somebody else comes back with all that it held', async () => {
    apply('x', { ...allIngress!, ingress: [{ from: [{ podSelector: {} }] }] });
    await expectMatrix((from, to) => !toX(from, to) || from.startsWith('x/'));
    await runCommand('nft', ['delete', 'table', 'ip', 'coracle-policy-policies']);
    await expectMatrix((from, to) => !toX(from, to) || from.startsWith('x/'));
  });

  test('policies that can not be read do not keep the others out of force, and names may be as long as they come', async () => {
    const rule = (ingress: object) => ({ ...allIngress!, ingress: [ingress] }) as NetworkPolicySpec;
    const unreadable = [
      { podSelector: { matchExpressions: [{ key: 'pod', operator: 'Resembles', values: ['a'] }] } },
      { podSelector: {}, policyTypes: ['Ingres'], ingress: [{}] },
      rule({ from: [{ ipBlock: { cidr: '300.1.2.3/99', except: ['}; flush ruleset'] } }] }),
      rule({ ports: [{ port: 'no port"; flush ruleset', protocol: 'TCP' }] }),
      rule({ ports: [{ port: 700_000 }] }),
      rule({ ports: [{ port: 80, endPort: 7 }] }),
      rule({ ports: [{ port: 80, protocol: 'CARRIER-PIGEON' }] }),
    ];
    for (const spec of unreadable) apply('y', spec as NetworkPolicySpec);
    const name = `${'long.'.repeat(50)}est`;
    policies.put({ metadata: { namespace: 'x', name }, spec: rule({ from: [{ podSelector: {} }] }) } as NetworkPolicy);
    // Where not even a direction can be read, both are closed.
    const isOpen = (from: string, to: string) => to.startsWith('z/') || (toX(from, to) && from.startsWith('x/'));
    await expectMatrix((from, to) => !from.startsWith('y/') && isOpen(from, to));
  });

  test('a policy whose rules the kernel does not take lets nothing through, until it is another; others hold meanwhile', async () => {
    apply('z', allIngress!);
    const key = apply('x', { ...allIngress!, ingress: [{ ports: [{ port: 80 }, { port: unlucky }] }] });
    apply('y', { ...allEgress!, egress: [{ to: [{ podSelector: {} }] }] });
    const others = (from: string, to: string) =>
      !to.startsWith('z/') && (!from.startsWith('y/') || to.startsWith('y/'));
    await expectMatrix((from, to) => others(from, to) && !toX(from, to));
    const [namespace, name] = key.split('/') as [string, string];
    assert.deepEqual(
      events.filter((event) => event.startsWith(`${name} `)),
      [
        `${name} Warning PolicyNotEnforceable the kernel does not take its rules: of the pods it selects, ingress is let through only by other policies`,
      ],
    );
    const spec = { ...allIngress!, ingress: [{ ports: [{ port: 80 }] }] };
    policies.put({ metadata: { namespace, name }, spec } as NetworkPolicy);
    await expectMatrix((from, to, port) => others(from, to) && (!toX(from, to) || port === 80));
  });

  test('a pod is protected before the API knows its address, and an address that was another’s is its own', async () => {
    apply('x', allIngress!);
    await expectMatrix((from, to) => !toX(from, to));
    await using fresh = await startWebPod();
    const unknown = podObject('x/fresh', fresh.address);
    await component.protect({ ...unknown, status: {} } as Pod, [fresh.address]);
    const rules = () => runCommand('nft', ['list', 'map', 'ip', 'coracle-policy-policies', 'ingress']);
    assert.match(await rules(), new RegExp(`${fresh.address} : goto pod/x/fresh/ingress`));
    pods.put(unknown);
    const heir = podObject('x/heir', fresh.address);
    await component.protect({ ...heir, status: {} } as Pod, [fresh.address]);
    assert.match(await rules(), new RegExp(`${fresh.address} : goto pod/x/heir/ingress`));
    pods.remove('x/fresh');
    pods.put(heir);
    pods.remove('x/heir');
    await component.protect(unknown, []);
    assert.doesNotMatch(await rules(), new RegExp(`${fresh.address.replaceAll('.', '\\.')} `));
  });
}
