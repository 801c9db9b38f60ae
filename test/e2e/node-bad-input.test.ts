// What a node is given that it should not be given, all at once: each pod is told what is wrong with it, and the node goes on.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { root, run, TestCluster, whyNoContainers } from './cluster.ts';

const logFiles = 3;

const configuration = (port: number) => `
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodURL: http://127.0.0.1:${port}/pods
staticPodURLHeader: {X-Node: [mine]}
httpCheckFrequency: 1s
containerLogMaxSize: 512Ki
containerLogMaxFiles: ${logFiles}
containerLogMonitorInterval: 3s
crashLoopBackOff: {maxContainerRestartPeriod: 1s}
cpuCFSQuotaPeriod: 20ms
podPidsLimit: 48
allowedUnsafeSysctls: [net.core.somaxconn]
evictionHard: {memory.available: 50Mi}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
nodeLeaseDurationSeconds: 24
nodeStatusMaxImages: 1
`;

type Json = Record<string, any>;

const pod = (name: string, container: Json, spec: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'c', image: 'busybox:1.36', command: ['sleep', '1000'], ...container }],
    ...spec,
  },
});
const shell = (script: string) => ({ command: ['sh', '-c', script] });
const volume = (rest: Json) => ({ volumes: [{ name: 'v', ...rest }] });
const at = (mountPath: string, rest: Json = {}) => ({ name: 'v', mountPath, ...rest });

/** A pod, and what is said of it: the reason of an event, and words of its message. */
type Wrong = readonly [Json, string, RegExp];

const wrong: readonly Wrong[] = [
  [pod('no-such-program', { command: ['/nothing/here'] }), 'Failed', /\/nothing\/here: no such file or directory/],
  [pod('no-command', { image: 'bare.test/bare:1', command: undefined }), 'Failed', /no command specified/],
  [pod('no-folder', { workingDir: '/dev/null/x' }), 'Failed', /not a directory/],
  [
    pod('root', {}, { securityContext: { runAsNonRoot: true } }),
    'Failed',
    /container has runAsNonRoot and image will run as root/,
  ],
  [
    pod('sysctl', {}, { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '65536' }] } }),
    'SysctlForbidden',
    /forbidden sysctl: "kernel.msgmax" not allowlisted/,
  ],
  [
    pod(
      'link',
      { volumeMounts: [at('/x', { subPath: 'out' })] },
      {
        ...volume({ emptyDir: {} }),
        initContainers: [{ name: 'i', image: 'busybox:1.36', ...shell('ln -s /etc /v/out'), volumeMounts: [at('/v')] }],
      },
    ),
    'Failed',
    /failed to prepare subPath for volumeMount "v" of container "c"/,
  ],
  [
    pod(
      'up',
      { env: [{ name: 'P', value: '../../..' }], volumeMounts: [at('/x', { subPathExpr: '$(P)' })] },
      volume({ emptyDir: {} }),
    ),
    'Failed',
    /must not contain '\.\.'/,
  ],
  [
    pod('nowhere', { volumeMounts: [at('/x')] }, volume({ hostPath: { path: '/nothing/there', type: 'Directory' } })),
    'FailedMount',
    /hostPath type check failed: \/nothing\/there is not a directory/,
  ],
  [
    pod(
      'inside',
      { volumeMounts: [at('/x'), { name: 'w', mountPath: '/x/y' }] },
      {
        volumes: [
          { name: 'v', configMap: { name: 'facts' } },
          { name: 'w', emptyDir: {} },
        ],
      },
    ),
    'Failed',
    /read-only file system/,
  ],
  [pod(`${'n'.repeat(250)}.x`, {}), 'FailedCreatePodSandBox', /name too long/],
  [
    pod('filter', { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'none.json' } } }),
    'Failed',
    /none\.json: no such file or directory/,
  ],
  [
    pod('lost', {}, { dnsConfig: { nameservers: ['192.0.2.1', '192.0.2.2', '192.0.2.3'] } }),
    'DNSConfigForming',
    /Nameserver limits were exceeded, some nameservers have been omitted/,
  ],
];

/** What the runtime has to be able to do, and what a pod that asks for it is told where it cannot. */
function beyond({ features, runtimeHandlers }: Json): readonly Wrong[] {
  const [{ features: handler }] = runtimeHandlers.filter(({ name }: Json) => name === '');
  const groups = pod(
    'groups',
    {},
    { securityContext: { supplementalGroupsPolicy: 'Strict', supplementalGroups: [7] } },
  );
  const users = pod('users', {}, { hostUsers: false });
  const deep = at('/x', { readOnly: true, recursiveReadOnly: 'Enabled' });
  const mounts = pod('deep', { volumeMounts: [deep] }, volume({ emptyDir: {} }));
  return [
    ...(features.supplementalGroupsPolicy
      ? []
      : [[groups, 'SupplementalGroupsPolicyNotSupported', /Strict is not supported in this node/] as const]),
    ...(handler.userNamespaces
      ? []
      : [[users, 'FailedCreatePodSandBox', /runtime does not support user namespaces/] as const]),
    ...(handler.recursiveReadOnlyMounts
      ? []
      : [
          [mounts, 'Failed', /"v" requested recursive read-only mode, but it is not supported by the runtime/] as const,
        ]),
  ];
}

/** busybox without a word on what to run. */
async function bareImage(folder: string): Promise<string> {
  const parts = join(folder, 'image');
  await mkdir(parts);
  await run('tar', ['-xf', join(root, 'build/images/busybox.tar'), '-C', parts]);
  const read = async (name: string) => JSON.parse(await readFile(join(parts, name), 'utf8'));
  const [manifest] = await read('manifest.json');
  const image = await read(manifest.Config);
  const { Cmd, Entrypoint, ...config } = image.config;
  await writeFile(join(parts, manifest.Config), JSON.stringify({ ...image, config }));
  await writeFile(join(parts, 'manifest.json'), JSON.stringify([{ ...manifest, RepoTags: ['bare.test/bare:1'] }]));
  // Without the names that the other form of the archive has.
  for (const each of ['index.json', 'oci-layout']) await rm(join(parts, each), { force: true });
  await run('tar', ['-cf', join(folder, 'bare.tar'), '-C', parts, '.']);
  return join(folder, 'bare.tar');
}

describe('a node that is given nonsense', { skip: whyNoContainers() ?? false }, () => {
  let cluster: TestCluster;
  let source: Server;
  let folder: string;
  /** What the address serves. */
  let statics: readonly Json[] = [];
  let nodeName: string;
  const create = (...items: readonly Json[]) =>
    cluster.kubectl('create -f -', { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  const get = async (name: string): Promise<Json> => cluster.json(`get pod ${name}`);
  const until = (name: string, what: string, isSo: (pod: Json) => unknown) =>
    cluster.eventually(
      `${name} ${what}`,
      async () => {
        const found = await get(name);
        return isSo(found) ? found : undefined;
      },
      180_000,
    );
  const running = (name: string) =>
    until(name, 'runs', ({ status }) => status.containerStatuses?.every(({ ready }: Json) => ready));
  const image = 'busybox:1.36';

  before(async () => {
    source = createServer((request, response) => {
      const items = request.headers['x-node'] === 'mine' ? statics : [];
      response.end(JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items }));
    });
    await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
    folder = await mkdtemp(join(tmpdir(), 'coracle-bad-'));
    const file = join(folder, 'kubelet.yaml');
    await writeFile(file, configuration((source.address() as AddressInfo).port));
    cluster = await TestCluster.create({ flags: ['--kubelet-config', file] });
    await cluster.loadImages('pause', 'busybox');
    const { code, stderr } = await cluster.coracle(['image', 'import', await bareImage(folder)]);
    assert.equal(code, 0, stderr);
    nodeName = (await cluster.json('get nodes')).items[0].metadata.name;
    const hasAccount = async () => (await cluster.tryKubectl('get sa default')).code === 0;
    await cluster.eventually('there is a service account', hasAccount);
    await create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'facts' }, data: { a: 'b' } });
  });
  afterEach(() => cluster.kubectl('delete pods --all --force'));
  after(async () => {
    source?.close();
    await cluster?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('says of each pod what is wrong with it', async () => {
    const { status } = await cluster.json(`get node ${nodeName}`);
    // Bound by hand to where it does not belong.
    const elsewhere = pod('elsewhere', {}, { nodeName, nodeSelector: { no: 'such' } });
    const predicate = /Predicate NodeAffinity failed: node\(s\) didn't match Pod's node affinity\/selector/;
    const all: readonly Wrong[] = [...wrong, ...beyond(status), [elsewhere, 'NodeAffinity', predicate]];
    await create(...all.map(([each]) => each));
    const missing = async () => {
      const { items } = await cluster.json('get events');
      return all.filter(
        ([{ metadata }, reason, words]) =>
          !items.some(
            (each: Json) =>
              each['involvedObject'].name === metadata.name && each['reason'] === reason && words.test(each['message']),
          ),
      );
    };
    const isTold = async () => (await missing()).length === 0;
    await cluster.eventually('all of them are told', isTold, 180_000).catch(async () => {
      assert.deepEqual(
        (await missing()).map(([{ metadata }, ...rest]) => [metadata.name, ...rest]),
        [],
      );
    });
  });

  test('holds each pod to what the configuration of the node allows it', async () => {
    const noisy = 'while :; do dd if=/dev/zero bs=1000 count=300 2>/dev/null | tr "\\0" x; echo; sleep 0.2; done';
    // The shell has to live through it: what cannot fork ends alone.
    const bomb = 'i=0; while [ $i -lt 200 ]; do (sleep 900 &) 2>/dev/null; i=$((i+1)); done; sleep 900';
    const cpu = { resources: { limits: { cpu: '500m', memory: '32Mi' } } };
    await create(
      pod('noisy', shell(noisy)),
      pod('bomb', shell(bomb)),
      pod('crash', shell('exit 3')),
      pod(
        'tuned',
        { ...shell('cat /proc/sys/net/core/somaxconn; sleep 900'), ...cpu },
        { securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '777' }] } },
      ),
    );
    // With waits of ten, twenty and forty seconds this would take a minute.
    await until('crash', 'starts again and again', ({ status }) => status.containerStatuses?.[0]?.restartCount >= 4);
    await running('tuned');
    await cluster.eventually('it tells', async () => (await cluster.kubectl('logs tuned')) === '777\n');
    const { uid } = (await get('tuned')).metadata;
    const group = `/sys/fs/cgroup/cpu/coracle-${cluster.name}/kubepods/pod${uid}/cpu.cfs_period_us`;
    const period = await readFile(group, 'utf8').catch(() => '20000\n'); // cgroups of version 2 have no such file
    assert.equal(period, '20000\n');
    const logs = async () => {
      const metadata = (await get('noisy'))['metadata'];
      return readdir(join(cluster.dataDir, 'node/logs/pods', `default_noisy_${metadata.uid}`, 'c'));
    };
    await cluster.eventually(
      'its log has been put aside twice',
      async () => (await logs()).length === logFiles,
      120_000,
    );
    const aside = (await logs()).filter((name) => name !== '0.log').sort();
    await cluster.eventually('old ones go', async () => !(await logs()).includes(aside[0]!), 120_000);
    assert.ok((await logs()).length <= logFiles);
    // A log that was put aside just now leaves an empty one for a moment.
    const read = (...flags: string[]) => cluster.kubectl(`logs noisy ${flags.join(' ')}`);
    await cluster.eventually('its last line', async () => /^x+\n?$/.test(await read('--tail=1')));
    await cluster.eventually('so many bytes', async () => (await read('--limit-bytes=1000')).length === 1000);
    await running('bomb');
    const { stdout } = await cluster.tryKubectl('exec noisy -- echo there is room for others');
    assert.equal(stdout, 'there is room for others\n');
  });

  test('a pod of its address is a pod of the node, and others end to make room for it', async () => {
    const { allocatable } = (await cluster.json(`get node ${nodeName}`)).status;
    const milli = allocatable.cpu.endsWith('m') ? Number.parseInt(allocatable.cpu, 10) : allocatable.cpu * 1000;
    const asking = (share: number) => ({ resources: { requests: { cpu: `${Math.floor(milli * share)}m` } } });
    await create(pod('large', asking(0.7)), pod('small', asking(0.1)));
    await Promise.all(['large', 'small'].map(running));
    statics = [pod('own', asking(0.6), { hostNetwork: true })];
    await running(`own-${nodeName}`);
    const { status } = await until('large', 'has made room', ({ status }) => status.phase === 'Failed');
    assert.deepEqual([status.reason, status.message], ['Preempting', 'Preempted in order to admit critical pod']);
    assert.equal((await get('small')).status.phase, 'Running');
    statics = [];
    const isGone = async () => (await cluster.tryKubectl(`get pod own-${nodeName}`)).code !== 0;
    await cluster.eventually('it goes when it is served no more', isGone, 120_000);
  });

  test('a runtime class names a handler of the runtime, and what its pods take beside their containers', async () => {
    const runtimeClass = (name: string, handler: string) => ({
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name },
      handler,
      overhead: { podFixed: { memory: '64Mi', cpu: '10m' } },
    });
    await create(runtimeClass('usual', 'runc'), runtimeClass('strange', 'nobody'));
    const limits = { resources: { limits: { cpu: '100m', memory: '32Mi' } } };
    const classes = ['usual', 'strange'];
    await create(...classes.map((runtimeClassName) => pod(`in-${runtimeClassName}`, limits, { runtimeClassName })));
    const { metadata } = await running('in-usual');
    const path = `coracle-${cluster.name}/kubepods/pod${metadata.uid}`;
    const [v1, v2] = [`memory/${path}/memory.limit_in_bytes`, `${path}/memory.max`].map((file) =>
      readFile(join('/sys/fs/cgroup', file), 'utf8'),
    );
    assert.equal(Number(await Promise.any([v1!, v2!])), 96 << 20);
    await cluster.eventually('the other has no runtime', async () =>
      /no runtime for "nobody" is configured/.test(await cluster.kubectl('get events -o jsonpath={.items[*].message}')),
    );
  });

  test('and goes on', async () => {
    await create(pod('last', { image }));
    await running('last');
    const node = await cluster.json(`get node ${nodeName}`);
    assert.ok(node.status.images.length <= 1);
    assert.equal((await cluster.json(`get lease -n kube-node-lease ${nodeName}`)).spec.leaseDurationSeconds, 24);
    const isReady = node.status.conditions.find(({ type }: Json) => type === 'Ready').status;
    assert.equal(isReady, 'True');
  });
});
