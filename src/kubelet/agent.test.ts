// The node agent on a real containerd, in folders and a socket of its own. Skipped where there is no root or containerd.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Container, Pod } from '../../generated/core-v1.ts';
import { configMapKind, nodeKind, podKind } from '../../generated/kinds.ts';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { createInformerFactory } from '../reconcile/informer-factory.ts';
import { createNodeAgent } from './agent.ts';
import { openCgroupTree } from './cgroups/cgroup-tree.ts';
import { containerdSocket, containerdVersion, ensureContainerd, stopContainerd } from './runtime/containerd-daemon.ts';
import { createCriRuntime } from './runtime/cri/cri-runtime.ts';
import { createOrphanSweep } from './runtime/orphans.ts';
import type { ContainerRuntime } from './runtime/runtime.ts';
import { builtImages, lacksImages } from './testing/built-images.ts';
import { createFakeCluster } from './testing/fake-cluster.ts';

const reason =
  process.getuid?.() !== 0
    ? 'needs root'
    : (await containerdVersion()) === undefined
      ? 'needs containerd'
      : lacksImages();
const run = promisify(execFile);

const forever = ['sh', '-c', 'trap "exit 0" TERM; while true; do sleep 0.05; done'];
const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
const statusOf = (pod: Pod) => pod.status!.containerStatuses![0]!;

describe('the node agent on containerd', { skip: reason ?? false }, () => {
  // Short, because a socket's path may have 107 characters.
  const dir = reason ? '' : mkdtempSync(join(tmpdir(), 'cna-'));
  const cgroupParent = `cna-test-${process.pid}`;
  const bridge = `cna${process.pid}`.slice(0, 15);
  const cluster = createFakeCluster();
  const pods = cluster.client.resource(podKind);
  let runtime: ContainerRuntime;
  let agent: { stop(): Promise<void> };
  const port = 20_000 + (process.pid % 10_000);

  const startAgent = () => {
    const informers = createInformerFactory({
      client: cluster.client,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
    });
    const stopping = new AbortController();
    const component = createNodeAgent({
      nodeName: 'node-1',
      client: cluster.client,
      informers,
      runtime,
      dataDir: join(dir, 'node'),
      address: '127.0.0.1',
      port,
      tls: {
        cert: readFileSync(join(dir, 'pki/server.crt'), 'utf8'),
        key: readFileSync(join(dir, 'pki/server.key'), 'utf8'),
        clientCa: readFileSync(join(dir, 'pki/ca.crt'), 'utf8'),
      },
      clusterDns: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
      cgroupParent,
      clock: systemClock,
      log: silentLogger,
    });
    const done = Promise.all([component.run(stopping.signal), informers.run(stopping.signal)]);
    return {
      async stop() {
        stopping.abort();
        await done;
      },
    };
  };
  const create = (name: string, container: Partial<Container>, spec: Partial<Pod['spec']> = {}) =>
    pods.create({
      metadata: { name, namespace: 'default', labels: { app: name } },
      spec: {
        nodeName: 'node-1',
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 2,
        containers: [
          { name: 'main', image: 'busybox:1.36', imagePullPolicy: 'IfNotPresent', command: forever, ...container },
        ],
        ...spec,
      },
    });
  /** In vain until the test's own time is over. */
  const untilTold = async (words: string) => {
    const told = () => cluster.objects('events').map(({ reason, message }) => `${reason}: ${message}`);
    while (!told().includes(words)) await systemClock.sleep(20);
  };
  const remove = async (name: string) => {
    const gone = cluster.untilGone(name);
    await pods.delete({ namespace: 'default', name });
    await gone;
  };
  const ask = (path: string): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const tls = {
        ca: readFileSync(join(dir, 'pki/ca.crt')),
        cert: readFileSync(join(dir, 'pki/client.crt')),
        key: readFileSync(join(dir, 'pki/client.key')),
      };
      get({ host: '127.0.0.1', port, path, agent: false, ...tls }, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode!, body }));
      }).on('error', reject);
    });
  const execIn = async (pod: string, script: string): Promise<string> => {
    const id = statusOf(await pods.get({ namespace: 'default', name: pod })).containerID!.split('//')[1]!;
    const { stdout, stderr } = await runtime.execSync(id, ['sh', '-c', script], 10);
    return Buffer.concat([stdout, stderr]).toString();
  };

  before(async () => {
    for (const name of ['cni', 'pki', 'node']) mkdirSync(join(dir, name));
    const ipam = { type: 'host-local', dataDir: join(dir, 'ipam'), ranges: [[{ subnet: '10.247.77.0/24' }]] };
    const plugins = [{ type: 'bridge', bridge, isGateway: true, ipam }];
    writeFileSync(
      join(dir, 'cni/10-test.conflist'),
      JSON.stringify({ cniVersion: '0.4.0', name: 'cna-test', plugins }),
    );
    makeCertificates(join(dir, 'pki'));
    const { socketPath } = await ensureContainerd({
      dataDir: join(dir, 'c'),
      sandboxImage: 'registry.k8s.io/pause:3.10',
      cniBinDir: '/usr/lib/cni',
      cniConfDir: join(dir, 'cni'),
    });
    for (const image of builtImages) await run('ctr', ['-a', socketPath, '-n', 'k8s.io', 'images', 'import', image]);
    runtime = createCriRuntime({ socketPath, log: silentLogger });
    agent = startAgent();
  });

  after(async () => {
    for (const pod of cluster.objects('pods')) await remove(pod.metadata.name);
    await systemClock.sleep(300); // what the pods leave in the runtime is removed after their objects
    await agent.stop();
    for (const { id } of await runtime.listSandboxes()) {
      await runtime.stopSandbox(id);
      await runtime.removeSandbox(id);
    }
    runtime.close();
    await (await openCgroupTree({ parent: cgroupParent })).removeAll();
    await stopContainerd(join(dir, 'c'));
    await run('umount', ['--lazy', join(dir, 'node/memory')]).catch(() => undefined);
    await run('ip', ['link', 'delete', bridge]).catch(() => undefined);
    rmSync(dir, { recursive: true, force: true });
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    assert.ok(!mounts.includes(dir), 'mounts are left');
  });

  it('registers the node with its lease', { timeout: 120_000 }, async () => {
    await create('first', {});
    await cluster.untilPod('first', isReady);
    const [node] = cluster.objects('nodes');
    assert.equal(
      node.status.conditions.find((each: { type: string }) => each.type === 'Ready').message,
      'kubelet is posting ready status',
    );
    assert.match(node.status.nodeInfo.containerRuntimeVersion, /^containerd:\/\//);
    assert.equal(cluster.objects('leases')[0].spec.holderIdentity, 'node-1');
    await cluster.client
      .resource(nodeKind)
      .patch({ namespace: '', name: 'node-1' }, { spec: { unschedulable: true } }, { type: 'merge' });
    await untilTold('NodeNotSchedulable: Node node-1 status is now: NodeNotSchedulable');
  });

  it('runs a pod with its environment, volumes and limits, and takes it away', async () => {
    await cluster.client
      .resource(configMapKind)
      .create({ metadata: { name: 'settings', namespace: 'default' }, data: { color: 'blue' } });
    await create(
      'full',
      {
        env: [
          { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
          { name: 'SAID', value: '$(COLOR) $(NOBODY)' },
          { name: 'ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        ],
        resources: { limits: { memory: '64Mi' } },
        volumeMounts: [
          { name: 'settings', mountPath: '/settings' },
          { name: 'scratch', mountPath: '/scratch' },
          { name: 'scratch', mountPath: '/part', subPath: 'deep/er' },
        ],
      },
      {
        volumes: [
          { name: 'settings', configMap: { name: 'settings' } },
          { name: 'scratch', emptyDir: { medium: 'Memory' } },
        ],
      },
    );
    const pod = await cluster.untilPod('full', isReady);
    assert.equal(await execIn('full', 'echo "$SAID"'), 'blue $(NOBODY)\n');
    assert.equal(await execIn('full', 'echo $ADDRESS'), `${pod.status!.podIP}\n`);
    assert.equal(await execIn('full', 'touch /part/x; ls /scratch/deep/er; cat /settings/color'), 'x\nblue');
    assert.match(
      await execIn('full', 'cat /proc/self/cgroup'),
      new RegExp(`${cgroupParent}/kubepods/burstable/pod${pod.metadata.uid}`),
    );
    await cluster.client
      .resource(configMapKind)
      .patch({ namespace: 'default', name: 'settings' }, { data: { color: 'green' } }, { type: 'merge' });
    while ((await execIn('full', 'cat /settings/color')) !== 'green') await systemClock.sleep(20);
    await remove('full');
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(pod.metadata.uid!), 'its mounts are gone');
  });

  it('tells how a container ended and restarts it', async () => {
    await create('crash', { command: ['sh', '-c', 'echo last words > /dev/termination-log; exit 3'] });
    const pod = await cluster.untilPod(
      'crash',
      (each) => each.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
    );
    const status = statusOf(pod);
    assert.equal(status.restartCount, 1);
    assert.equal(status.lastState!.terminated!.exitCode, 3);
    assert.equal(status.lastState!.terminated!.message, 'last words\n');
    assert.match(status.state!.waiting!.message!, /^back-off 10s restarting failed container=main pod=crash_default\(/);
    assert.equal(pod.status!.phase, 'Running');
    await remove('crash');
  });

  it('runs init containers in turn and ends a pod that is done', async () => {
    const init: Container = {
      name: 'init',
      image: 'busybox:1.36',
      command: ['sh', '-c', 'echo prepared > /shared/file'],
      imagePullPolicy: 'IfNotPresent',
      volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
    };
    const command = ['cat', '/shared/file'];
    await create(
      'job',
      { command, volumeMounts: init.volumeMounts! },
      { restartPolicy: 'Never', initContainers: [init], volumes: [{ name: 'shared', emptyDir: {} }] },
    );
    await cluster.untilPod('job', (each) => each.status?.phase === 'Succeeded');
    assert.deepEqual(await ask('/containerLogs/default/job/main'), { status: 200, body: 'prepared\n' });
    await remove('job');
  });

  it('ends what runs under the name of a container that has ended, so that it can be removed', async () => {
    const usual = { image: 'busybox:1.36', imagePullPolicy: 'IfNotPresent' as const };
    const main = { name: 'main', ...usual, command: ['sh', '-c', 'test -e /seen && sleep 1000; touch /seen'] };
    const other = { name: 'other', ...usual, command: forever };
    await create('late', {}, { restartPolicy: 'Never', containers: [main, other] });
    const hasEnded = (pod: Pod) => pod.status?.containerStatuses?.some(({ state }) => state?.terminated) ?? false;
    const { status } = await cluster.untilPod('late', hasEnded);
    const id = status!.containerStatuses!.find(({ name }) => name === 'main')!.containerID!.split('//')[1]!;
    const socketPath = containerdSocket(join(dir, 'c'));
    const tasks = ['-a', socketPath, '-n', 'k8s.io', 'tasks'];
    await run('ctr', [...tasks, 'start', '--detach', '--null-io', id]);
    const hasTask = async () => (await run('ctr', [...tasks, 'ls', '-q'])).stdout.includes(id);
    assert.ok(await hasTask());
    const stopping = new AbortController();
    const soon = (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 50), signal);
    const clock = { ...systemClock, sleep: soon };
    const sweep = createOrphanSweep({
      ...{ dataDir: join(dir, 'c'), socketPath, cniConfDir: join(dir, 'cni') },
      ...{ clock, runtime, log: silentLogger },
    }).run(stopping.signal);
    while (await hasTask()) await systemClock.sleep(20);
    stopping.abort();
    await sweep;
    await remove('late');
    while ((await runtime.listContainers()).some((each) => each.id === id)) await systemClock.sleep(20);
  });

  it('restarts a container whose liveness probe fails, and follows readiness', async () => {
    await create('probed', {
      command: ['sh', '-c', `touch /tmp/alive /tmp/ready; ${forever[2]}`],
      readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 1, failureThreshold: 1 },
      livenessProbe: { exec: { command: ['cat', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 1 },
    });
    await cluster.untilPod('probed', isReady);
    await execIn('probed', 'rm /tmp/ready');
    await cluster.untilPod('probed', (pod) => !isReady(pod));
    await execIn('probed', 'rm /tmp/alive');
    await cluster.untilPod('probed', (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1 && isReady(pod));
    const reasons = cluster.objects('events').map(({ reason, message }) => `${reason}: ${message}`);
    assert.ok(reasons.includes('Killing: Container main failed liveness probe, will be restarted'));
    await remove('probed');
  });

  it('a pod stays ready while a container with another image takes the place of one', async () => {
    await create('changed', {});
    await cluster.untilPod('changed', isReady);
    const watching = new AbortController();
    const seen = (async () => {
      const told: string[] = [];
      for await (const event of pods.watch({ namespace: 'default', signal: watching.signal })) {
        const pod = event.object as Pod;
        if (pod.metadata.name !== 'changed') continue;
        const { restartCount } = statusOf(pod);
        told.push(`${restartCount} ${isReady(pod)}`);
        if (restartCount === 1 && isReady(pod)) return [...new Set(told)];
      }
      return told;
    })();
    const image = 'busybox:1.37';
    const container: Container = { name: 'main', image, imagePullPolicy: 'IfNotPresent', command: forever };
    await pods.patch(
      { namespace: 'default', name: 'changed' },
      { spec: { containers: [container] } },
      { type: 'merge' },
    );
    assert.deepEqual(await seen, ['0 true', '1 true']);
    watching.abort();
    await remove('changed');
  });

  it('says why an image is not there', async () => {
    await create('no-image', { image: 'docker.io/library/absent:1', imagePullPolicy: 'Never' });
    const pod = await cluster.untilPod(
      'no-image',
      (each) => each.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull',
    );
    assert.equal(pod.status!.phase, 'Pending');
    assert.deepEqual(await ask('/containerLogs/default/no-image/main'), {
      status: 400,
      body: 'container "main" in pod "no-image" is waiting to start: ErrImageNeverPull\n',
    });
    await remove('no-image');
  });

  it('finds its pods again after a restart, and ends those deleted meanwhile', async () => {
    await create('kept', {});
    await create('deleted', {});
    const kept = statusOf(await cluster.untilPod('kept', isReady));
    await cluster.untilPod('deleted', isReady);
    await agent.stop();
    await pods.delete({ namespace: 'default', name: 'deleted' }, { gracePeriodSeconds: 0 });
    agent = startAgent();
    while ((await runtime.listSandboxes()).some(({ metadata }) => metadata.name === 'deleted'))
      await systemClock.sleep(20);
    const now = statusOf(await cluster.untilPod('kept', isReady));
    assert.equal(now.containerID, kept.containerID);
    assert.equal(now.restartCount, 0);
    assert.equal((await ask('/healthz')).body, 'ok');
  });
});

function makeCertificates(dir: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=ca', '-days', '2');
  writeFileSync(join(dir, 'extensions'), 'subjectAltName=IP:127.0.0.1');
  for (const [name, subject] of [
    ['server', '/CN=node-1'],
    ['client', '/O=system:masters/CN=admin'],
  ] as const) {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.crt`,
      '-days',
      '2',
      '-extfile',
      'extensions',
    );
  }
}
