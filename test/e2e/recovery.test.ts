// Parts of a running cluster are killed one by one; the others bring them back, and containers hear nothing of it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run, TestCluster, whyNoContainers } from './cluster.ts';

describe('a cluster whose parts are killed', { skip: whyNoContainers() ?? false }, () => {
  let cluster: TestCluster;

  const pidOf = async (component: string): Promise<number> => {
    const { components } = JSON.parse((await cluster.coracle(['status', '-o', 'json'])).stdout);
    return components.find((each: any) => each.name === component && each.state === 'running')?.pid;
  };
  /** Where containerd keeps the networks of pods. */
  const networks = async (): Promise<string> => {
    const mounts = await readFile('/proc/self/mounts', 'utf8');
    const [, path] = new RegExp(` (${cluster.dataDir}/\\S+/netns)/cni-\\S+ nsfs `).exec(mounts) ?? [];
    assert.ok(path, 'the network of a pod is not with its cluster');
    return path;
  };
  const containerIds = async () =>
    (await cluster.json('get pods')).items.flatMap((pod: any) =>
      pod.status.containerStatuses.map((each: any) => `${each.containerID} ${each.restartCount}`),
    );

  before(async () => {
    cluster = await TestCluster.create();
    await cluster.loadImages('pause', 'busybox');
    await cluster.eventually('a service account', async () => (await cluster.tryKubectl('get sa default')).code === 0);
    await cluster.kubectl('run steady --image=busybox:1.36 -- sleep 3600');
    await cluster.kubectl('wait --for=condition=Ready pod/steady --timeout=180s');
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  for (const component of ['node', 'containerd']) {
    test(`${component} is started again`, async () => {
      const [pid, started] = [await pidOf(component), await containerIds()];
      // As containerd leaves it when it is killed while it removes something.
      const halfGone = join(cluster.dataDir, 'containerd', 'state/io.containerd.runtime.v2.task/k8s.io/.0123abcd');
      // And when it is killed while it makes a sandbox.
      const forgotten = join(await networks(), 'cni-01234567-89ab-cdef-0123-456789abcdef');
      if (component === 'containerd') {
        await mkdir(join(halfGone, 'rootfs'), { recursive: true });
        await writeFile(forgotten, '');
        assert.equal((await run('unshare', [`--net=${forgotten}`, 'true'])).code, 0);
      }
      process.kill(pid, 'SIGKILL');
      await cluster.eventually('another one runs', async () => {
        const now = await pidOf(component);
        return now !== undefined && now !== pid;
      });
      await cluster.eventually('it works', async () => {
        const { code, stdout } = await cluster.tryKubectl('exec steady -- echo alive');
        return code === 0 && stdout === 'alive\n';
      });
      await cluster.kubectl(`run after-${component} --image=busybox:1.36 --restart=Never -- true`);
      await cluster.kubectl(`wait --for=jsonpath={.status.phase}=Succeeded pod/after-${component} --timeout=180s`);
      await cluster.kubectl(`delete pod after-${component} --now`);
      assert.deepEqual(await containerIds(), started);
      assert.equal(existsSync(halfGone), false);
      assert.equal(existsSync(forgotten), false);
      assert.ok(!(await readFile('/proc/self/mounts', 'utf8')).includes(forgotten));
    });
  }

  test('without its server it is down, and up again finds its pods', async () => {
    const started = await containerIds();
    process.kill(await pidOf('apiserver'), 'SIGKILL');
    await cluster.eventually('status says so', async () => (await cluster.coracle(['status'])).code === 83);
    await cluster.up();
    assert.equal(await cluster.kubectl('exec steady -- echo alive'), 'alive\n');
    assert.deepEqual(await containerIds(), started);
  });

  test('containers lost with their runtime start again, and count as restarted', async () => {
    process.kill(await pidOf('containerd'), 'SIGKILL');
    assert.equal((await cluster.coracle(['down'])).code, 0);
    await cluster.up();
    // Until the agent has looked, the status is the one of before.
    await cluster.eventually('it runs again', async () => {
      const [container] = (await cluster.json('get pod steady')).status.containerStatuses;
      return container.state.running && container.restartCount === 1;
    });
  });

  test('the Service kubernetes comes back', async () => {
    await cluster.kubectl('delete service kubernetes');
    await cluster.eventually(
      'it is there',
      async () => (await cluster.tryKubectl('get service kubernetes')).code === 0,
    );
    assert.match(await cluster.kubectl('get endpoints kubernetes'), /kubernetes +\S+:\d+/);
  });
});
