// The life of clusters: back again with their pods, killed and back, side by side, gone without a trace.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findLeftovers } from '../../scripts/leftovers.ts';
import { root, run, TestCluster, whyNoContainers } from './cluster.ts';

interface Status {
  running: boolean;
  components: { name: string; pid: number; address: string; state: string }[];
}

const status = async (cluster: TestCluster) =>
  JSON.parse((await cluster.coracle(['status', '-o', 'json'])).stdout) as Status;

describe('a cluster of simulated nodes', () => {
  test('keeps what the kubeconfig held, says what runs, and leaves nothing behind', async () => {
    const before = new Set(findLeftovers());
    {
      await using cluster = await TestCluster.create({ simulatedNodes: 1 });
      const { running, components } = await status(cluster);
      assert.ok(running);
      for (const component of ['store', 'apiserver', 'controllers', 'scheduler', 'node']) {
        const found = components.find(({ name }) => name === component);
        assert.ok(found && found.pid > 0 && found.state === 'running', `${component}: ${JSON.stringify(found)}`);
      }
      assert.match(await cluster.up(), /already running/);
      assert.equal((await cluster.coracle(['kubeconfig'])).stdout.includes('certificate-authority-data'), true);
      assert.match((await cluster.coracle(['logs', 'apiserver'])).stdout, /"component":"apiserver"/);
      assert.match((await cluster.coracle(['version'])).stdout, /^coracle \d+\.\d+\.\d+ \(Kubernetes v1\.36/);
      for (const shell of ['bash', 'zsh', 'fish'])
        assert.match((await cluster.coracle(['completion', shell])).stdout, /coracle/);
      assert.equal((await cluster.coracle(['down'])).code, 0);
      assert.equal((await cluster.coracle(['status'])).code, 83);
      await cluster.up();
      assert.match(await cluster.kubectl('get nodes'), /Ready/);
    }
    assert.deepEqual(
      findLeftovers().filter((each) => !before.has(each)),
      [],
    );
  });

  test('merges its context into a kubeconfig and takes it out again', async () => {
    const other = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [],
      contexts: [{ name: 'work', context: { cluster: 'w', user: 'w' } }],
      users: [],
      'current-context': 'work',
    };
    let file = '';
    {
      await using cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver'] });
      file = cluster.kubeconfig;
      await cluster.coracle(['down']);
      await writeFile(file, JSON.stringify(other));
      const elsewhere = join(cluster.folder, 'elsewhere');
      const anew = ['up', '--detach', '--nodes', 'simulated:0', '--only', 'apiserver', '--kubeconfig', 'elsewhere'];
      assert.equal((await cluster.coracle(anew, { cwd: cluster.folder })).code, 0);
      assert.match(await readFile(elsewhere, 'utf8'), /coracle/);
      await cluster.coracle(['down']);
      await cluster.up();
      const contexts = await cluster.kubectl('config get-contexts -o name');
      assert.deepEqual(contexts.trim().split('\n').sort(), [`coracle-${cluster.name}`, 'work'].sort());
      await cluster.coracle(['delete', '--yes']);
      assert.match(await readFile(file, 'utf8'), /work/);
      assert.doesNotMatch(await readFile(file, 'utf8'), /coracle/);
      assert.ok(!existsSync(elsewhere), 'of all files that it was ever in');
    }
    assert.ok(!existsSync(file));
  });

  test('runs one component alone', async () => {
    await using cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver'] });
    const names = (await status(cluster)).components.map(({ name }) => name);
    assert.deepEqual(names.sort(), ['apiserver', 'store']);
    await cluster.kubectl('create configmap a --from-literal=b=c');
  });

  test('gives each of the clusters that start in one instant its own port', async () => {
    const choice = { simulatedNodes: 0, flags: ['--only', 'apiserver'] };
    const started = await Promise.allSettled([1, 2, 3].map(() => TestCluster.create(choice)));
    const clusters = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    try {
      for (const each of started) if (each.status === 'rejected') throw each.reason;
      const own = await Promise.all(clusters.map((each) => each.kubectl('config view -o jsonpath={..server}')));
      assert.equal(new Set(own).size, 3, own.join(' '));

      // One that is down comes back to its own, whoever has come meanwhile.
      const [first] = clusters;
      await first!.coracle(['down']);
      clusters.push(await TestCluster.create(choice));
      await first!.up();
      assert.equal(await first!.kubectl('config view -o jsonpath={..server}'), own[0]);
    } finally {
      for (const each of clusters) await each[Symbol.asyncDispose]();
    }
  });

  test('says in one line what is wrong and how to mend it', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, () => resolve()));
    const { port } = taken.address() as { port: number };
    const folder = join(root, 'build', `refused-${process.pid}`);
    const up = (...flags: string[]) =>
      run(join(root, 'bin/coracle'), [
        'up',
        '--detach',
        '--name',
        'refused',
        '--data-dir',
        folder,
        '--kubeconfig',
        join(folder, 'k'),
        ...flags,
      ]);
    const inUse = await up('--nodes', 'simulated:1', '--port', String(port));
    taken.close();
    assert.equal(inUse.code, 31);
    assert.match(inUse.stderr, /port \d+ is taken .*E_PORT_IN_USE.*\n.*to mend it: .*--port/);
    const nonsense = await up('--nodes', 'three');
    assert.notEqual(nonsense.code, 0);
    assert.match(nonsense.stderr, /simulated:N/);
    const overlap = await up('--nodes', 'simulated:0', '--pod-cidr', '10.0.0.0/8', '--service-cidr', '10.96.0.0/16');
    assert.equal(overlap.code, 14);
    assert.match(overlap.stderr, /overlap .*E_RANGES_OVERLAP/);
    await run(join(root, 'bin/coracle'), ['delete', '--yes', '--name', 'refused', '--data-dir', folder]);
    const nowhere = ['up', '--name', 'refused', '--nodes', 'simulated:1', '--data-dir', '/proc/nowhere/at/all'];
    const refused = await run(join(root, 'bin/coracle'), nowhere);
    assert.equal(refused.code, 37);
    assert.match(refused.stderr, /\/proc\/nowhere cannot be made .*E_DATA_DIR/);
  });

  test('brings every acknowledged write back after kill -9', async () => {
    await using cluster = await TestCluster.create({ simulatedNodes: 1 });
    await cluster.kubectl('create deployment web --image=nginx --replicas=2');
    await cluster.kubectl('rollout status deployment/web --timeout=180s');
    const pids = new Set((await status(cluster)).components.map(({ pid }) => pid));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await cluster.up();
    const pods = (await cluster.json('get pods')).items;
    assert.equal(pods.length, 2);
    await cluster.kubectl('rollout status deployment/web --timeout=180s');
  });
});

describe('a cluster of real containers', { skip: whyNoContainers() ?? false }, () => {
  test('comes back with its pods running, also after kill -9, and nothing is left after delete', async () => {
    const before = new Set(findLeftovers());
    {
      await using cluster = await TestCluster.create();
      await cluster.loadImages('pause', 'nginx');
      await cluster.kubectl('create deployment web --image=nginx:1.7.9 --replicas=2');
      await cluster.kubectl('rollout status deployment/web --timeout=180s');
      const containers = async () =>
        (await cluster.json('get pods')).items
          .flatMap((pod: any) =>
            pod.status.containerStatuses.map(
              (each: any) => `${each.containerID} ${each.restartCount} ${each.state.running?.startedAt}`,
            ),
          )
          .sort();
      const started = await containers();
      assert.equal((await cluster.coracle(['down', '--keep-pods'])).code, 0);
      await cluster.up();
      await cluster.kubectl('rollout status deployment/web --timeout=180s');
      assert.deepEqual(await containers(), started, 'the same containers after down --keep-pods and up');

      const components = (await status(cluster)).components.filter(({ name }) => name !== 'containerd');
      for (const pid of new Set(components.map(({ pid }) => pid))) process.kill(pid, 'SIGKILL');
      await cluster.up();
      await cluster.kubectl('rollout status deployment/web --timeout=180s');
      await cluster.kubectl('wait --for=condition=Ready node --all --timeout=180s');
      assert.deepEqual(await containers(), started, 'the same containers after kill -9 and up');

      await cluster.coracle(['down']);
      await cluster.up();
      await cluster.eventually('the pods run again', async () => {
        const now = await containers();
        return (
          now.length === 2 &&
          now.every((each: string, index: number) => each !== started[index] && !each.endsWith('undefined'))
        );
      });
      const failed = (await cluster.json('get events')).items.filter((event: any) => event.reason.startsWith('Failed'));
      assert.deepEqual(failed, [], 'pods wait until the runtime has a network');
      await cluster.kubectl('scale deployment/web --replicas=20');
      await cluster.eventually('more are being started', async () => {
        const pods = (await cluster.json('get pods')).items;
        return pods.some(({ spec, status: { phase } }: any) => spec.nodeName && phase === 'Pending');
      });
    }
    assert.deepEqual(
      findLeftovers().filter((each) => !before.has(each)),
      [],
    );
  });

  test('lives beside another one', async () => {
    await using one = await TestCluster.create();
    await using two = await TestCluster.create();
    for (const cluster of [one, two]) {
      await cluster.loadImages('pause', 'nginx');
      await cluster.kubectl('run web --image=nginx:1.7.9');
      await cluster.kubectl('wait --for=condition=Ready pod/web --timeout=180s');
    }
    const ips = await Promise.all(
      [one, two].map(async (cluster) => (await cluster.json('get pod web')).status.podIP as string),
    );
    assert.notEqual(ips[0]!.split('.')[1], ips[1]!.split('.')[1], `pod ranges differ: ${ips}`);
  });
});
