// One control plane of several acts: on time that the test moves, and with real servers on one etcd.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eventKind, leaseKind } from '../../generated/kinds.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createEventRecorders } from '../../src/reconcile/event-recorder.ts';
import { type Leadership, runAsLeader } from '../../src/reconcile/leader-election.ts';
import { EtcdServer, findEtcds } from '../../src/store/testdata/etcd-server.ts';
import { startCluster, type TestingCluster } from '../../src/testing/start-cluster.ts';
import { kubectlProgram, root, run } from './cluster.ts';

const key = { namespace: 'kube-system', name: 'tester' };

/** An instance that writes down when it leads. */
class Instance {
  readonly stopping = new AbortController();
  leadership: Leadership | undefined;
  readonly done: Promise<void>;
  /** Nothing it asks for is answered. */
  isCutOff = false;

  constructor(cluster: TestingCluster, identity: string) {
    const { clock, random, client } = cluster;
    const leases = client.resource(leaseKind);
    const cut = <T>(request: () => Promise<T>) => (this.isCutOff ? Promise.reject(new Error('cut off')) : request());
    const cuttable = {
      ...client,
      resource: () => ({
        ...leases,
        find: (...args: Parameters<typeof leases.find>) => cut(() => leases.find(...args)),
        create: (...args: Parameters<typeof leases.create>) => cut(() => leases.create(...args)),
        update: (...args: Parameters<typeof leases.update>) => cut(() => leases.update(...args)),
      }),
    } as unknown as typeof client;
    const recorders = createEventRecorders({ client, clock, log: silentLogger });
    void recorders.run(this.stopping.signal);
    const recorder = recorders.recorder('tester');
    const options = { client: cuttable, clock, random, log: silentLogger, leaseName: 'tester', identity, recorder };
    const lead = async (leadership: Leadership) => {
      this.leadership = leadership;
      await new Promise<void>((resolve) => leadership.signal.addEventListener('abort', () => resolve()));
    };
    this.done = runAsLeader(options, lead, this.stopping.signal);
  }

  get isActing(): boolean {
    return this.leadership?.isHeld() ?? false;
  }
}

test('who holds the lease leads; who is cut off stops before the other one begins', async () => {
  await using cluster = await startCluster({ nodes: 0 });
  const one = new Instance(cluster, 'one');
  await cluster.clock.advance('5s');
  const two = new Instance(cluster, 'two');
  await cluster.clock.advance('1m');
  assert.deepEqual([one.isActing, two.isActing], [true, false]);
  one.isCutOff = true;
  let both = 0;
  let neither = 0;
  for (let second = 0; second < 40; second++) {
    await cluster.clock.advance('1s');
    if (one.isActing && two.isActing) both++;
    if (!one.isActing && !two.isActing) neither++;
  }
  assert.equal(both, 0);
  assert.ok(neither > 0 && neither < 20, `${neither} s without a leader`);
  assert.deepEqual([one.isActing, two.isActing], [false, true]);
  await one.done;
  const lease = await cluster.client.resource(leaseKind).get(key);
  assert.equal(lease.spec?.holderIdentity, 'two');
  assert.equal(lease.spec?.leaseTransitions, 1);
  two.stopping.abort();
  await cluster.clock.advance('1s');
  await two.done;
  assert.equal((await cluster.client.resource(leaseKind).get(key)).spec?.holderIdentity ?? '', '');
  one.stopping.abort();
  const events = (await cluster.client.resource(eventKind).list({ namespace: 'kube-system' })).items;
  const said = events.filter(({ reason }) => reason === 'LeaderElection').map(({ message }) => message);
  assert.ok(said.includes('one became leader') && said.includes('two became leader'), said.join('; '));
});

test('a lease that is given back is taken at once', async () => {
  await using cluster = await startCluster({ nodes: 0 });
  const one = new Instance(cluster, 'one');
  await cluster.clock.advance('3s');
  const two = new Instance(cluster, 'two');
  await cluster.clock.advance('3s');
  one.stopping.abort();
  await cluster.clock.advance('3s');
  assert.deepEqual([one.isActing, two.isActing], [false, true]);
  two.stopping.abort();
  await cluster.clock.advance('1s');
});

const [program] = findEtcds();

test('of two control planes on one etcd the second takes over when the first is killed', {
  skip: program ? false : 'no etcd on this machine',
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-e2e-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true }));
  const etcd = cleanup.use(await EtcdServer.start(program!, {}));
  const names = [`l${process.pid % 10_000}-1`, `l${process.pid % 10_000}-2`] as const;
  const coracle = (name: string, ...args: string[]) =>
    run(join(root, 'bin/coracle'), [...args, '--name', name, '--data-dir', join(folder, name)]);
  const kubectl = async (name: string, ...args: string[]) => {
    const output = await run(kubectlProgram(), ['--kubeconfig', join(folder, `${name}.kubeconfig`), ...args]);
    assert.equal(output.code, 0, output.stderr);
    return output.stdout;
  };
  for (const name of names) {
    if (name === names[1]) await cp(join(folder, names[0], 'pki'), join(folder, name, 'pki'), { recursive: true });
    const flags = ['--etcd-servers', etcd.url, '--only', 'apiserver,controllers,scheduler', '--nodes', 'simulated:0'];
    const started = await coracle(name, 'up', '--detach', '--kubeconfig', join(folder, `${name}.kubeconfig`), ...flags);
    assert.equal(started.code, 0, started.stderr);
    cleanup.defer(async () => void (await coracle(name, 'delete', '--yes')));
  }
  const holders = () =>
    kubectl(names[1], 'get', 'leases', '-n', 'kube-system', '-o', 'jsonpath={.items[*].spec.holderIdentity}');
  const until = async (what: string, isSo: () => Promise<boolean>) => {
    for (const endMs = Date.now() + 60_000; Date.now() < endMs; await pause(250)) if (await isSo()) return;
    assert.fail(`not within a minute: ${what}`);
  };
  const controllerLeases = async () => (await holders()).split(' ').filter(Boolean);
  await until('the leases are held', async () => (await controllerLeases()).length >= 2);
  const first = await controllerLeases();
  assert.equal(new Set(first).size, 1, 'one instance holds them all');
  const state = JSON.parse(await readFile(join(folder, names[0], 'state.json'), 'utf8'));
  const { pid } = state.components.find((each: { name: string }) => each.name === 'controllers');
  process.kill(pid, 'SIGKILL');
  await kubectl(names[1], 'create', 'deployment', 'web', '--image', 'img:1', '--replicas', '2');
  await until('the second acts', async () => (await kubectl(names[1], 'get', 'pods', '-o', 'name')).length > 0);
  // Each of the leases runs out by itself.
  await until('the first holds none', async () =>
    (await controllerLeases()).every((holder) => !first.includes(holder)),
  );
});
