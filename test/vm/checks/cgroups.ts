// Groups of cgroup v2: what is written into them, what the kernel does by it, what is told of it, and that they go.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestCluster } from '../../e2e/cluster.ts';
import { create as createAll, smallPod, startCluster } from './small-pods.ts';

const root = '/sys/fs/cgroup';
const mebibyte = 2 ** 20;

const pod = (name: string, command: string, resources: object = {}) =>
  smallPod(name, command, { container: { resources } });
const both = (cpu: string, memory: string) => ({ limits: { cpu, memory }, requests: { cpu, memory } });

describe('a node under cgroup v2', () => {
  let cluster: TestCluster;
  let folder: string;
  const create = (...items: object[]) => createAll(cluster, ...items);
  const ready = (names: string) => cluster.kubectl(`wait --for=condition=Ready --timeout=180s ${names}`);
  const get = (name: string) => cluster.json(`get pod ${name}`);
  const groupOf = async (name: string): Promise<string> => {
    const { uid } = (await get(name)).metadata;
    const found = globSync(`${root}/**/pod${uid}`);
    assert.equal(found.length, 1, `${name}: ${found}`);
    return found[0]!;
  };
  const containerGroupOf = async (name: string): Promise<string> => {
    const id = (await get(name)).status.containerStatuses[0].containerID.replace(/.*\//, '');
    return join(await groupOf(name), id);
  };
  const read = (dir: string, file: string) => readFileSync(join(dir, file), 'utf8').trim();
  const reads = (dir: string, ...files: string[]) => files.map((file) => read(dir, file));

  before(async () => {
    assert.ok(existsSync(join(root, 'cgroup.controllers')), 'the machine has cgroup v2');
    folder = await mkdtemp(join(tmpdir(), 'vm-node-'));
    const file = join(folder, 'kubelet.yaml');
    await writeFile(file, 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\npodPidsLimit: 64\n');
    cluster = await startCluster({ flags: ['--kubelet-config', file] });
    await create(
      pod('guaranteed', 'sleep 100000', both('500m', '64Mi')),
      pod('burstable', 'sleep 100000', { requests: { cpu: '250m', memory: '32Mi' } }),
      pod('besteffort', 'sleep 100000'),
    );
    await ready('pod/guaranteed pod/burstable pod/besteffort');
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test('each pod has a group at the place of its class, with its limits', async () => {
    const [guaranteed, burstable, besteffort] = [
      await groupOf('guaranteed'),
      await groupOf('burstable'),
      await groupOf('besteffort'),
    ];
    assert.equal(dirname(guaranteed), dirname(dirname(burstable)));
    assert.deepEqual(
      [dirname(burstable), dirname(besteffort)].map((dir) => dir.slice(dirname(guaranteed).length)),
      ['/burstable', '/besteffort'],
    );
    const files = ['memory.max', 'cpu.max', 'cpu.weight', 'pids.max'];
    assert.deepEqual(reads(guaranteed, ...files), [String(64 * mebibyte), '50000 100000', '20', '64']);
    assert.deepEqual(reads(burstable, ...files), ['max', 'max 100000', '10', '64']);
    assert.deepEqual(reads(besteffort, ...files), ['max', 'max 100000', '1', '64']);
    assert.deepEqual(reads(await containerGroupOf('guaranteed'), 'memory.max', 'cpu.max'), [
      String(64 * mebibyte),
      '50000 100000',
    ]);
    const all = dirname(guaranteed);
    const [{ status }] = (await cluster.json('get nodes')).items;
    assert.equal(Number(read(all, 'memory.max')), Number(status.capacity.memory.replace('Ki', '')) * 1024);
    // Sums of the classes: 250m for one, nothing for the other.
    assert.deepEqual(
      [dirname(burstable), dirname(besteffort)].map((dir) => read(dir, 'cpu.weight')),
      ['10', '1'],
    );
    for (const size of globSync(`${guaranteed}/hugetlb.*.max`)) assert.match(readFileSync(size, 'utf8'), /^(0|max)\n$/);
  });

  test('no container swaps, and memory that runs out ends all of it', async () => {
    const files = await containerGroupOf('guaranteed');
    assert.deepEqual(reads(files, 'memory.oom.group', 'memory.swap.max'), ['1', '0']);
    // The shell would outlive the child that takes too much.
    const eats = 'head -c 200000000 /dev/zero | tail -c 150000000 >/dev/null; echo survived; sleep 1000';
    await create(pod('hungry', eats, both('100m', '32Mi')));
    const { lastState, state } = await cluster.eventually('it is ended', async () => {
      const status = (await get('hungry')).status.containerStatuses?.[0];
      return (status?.state.terminated || status?.lastState.terminated) && status;
    });
    const { reason, exitCode } = state.terminated ?? lastState.terminated;
    assert.deepEqual([reason, exitCode], ['OOMKilled', 137]);
    assert.doesNotMatch((await cluster.tryKubectl('logs hungry --previous')).stdout, /survived/);
    await cluster.kubectl('delete pod hungry --now');
  });

  test('a pod that may have no more processes is refused them', async () => {
    await create(pod('bomb', 'i=0; while [ $i -lt 200 ]; do sleep 300 & i=$((i+1)); done; sleep 1000'));
    await cluster.eventually('it is told', async () => /can't fork/.test(await cluster.kubectl('logs bomb')));
    await cluster.kubectl('delete pod bomb --now');
  });

  test('what is told of use is what the kernel counts', async () => {
    // A file in memory is counted, and stays.
    const holds = 'head -c 20971520 /dev/zero > /dev/shm/held; while true; do :; done';
    await create(pod('busy', holds, both('200m', '64Mi')));
    await ready('pod/busy');
    const node = (await cluster.json('get nodes')).items[0].metadata.name;
    const raw = (path: string) => cluster.kubectl(`get --raw /api/v1/nodes/${node}/proxy/${path}`);
    const container = await cluster.eventually('the summary has it', async () => {
      const { pods } = JSON.parse(await raw('stats/summary'));
      const found = pods.find(({ podRef }: any) => podRef.name === 'busy')?.containers[0];
      return found?.memory?.workingSetBytes > 20 * mebibyte && found.cpu.usageNanoCores > 0 && found;
    });
    assert.ok(container.memory.workingSetBytes < 64 * mebibyte, JSON.stringify(container.memory));
    // Held to a fifth of a processor; what is over is the length of the kernel's turns.
    assert.ok(container.cpu.usageNanoCores < 0.4e9, JSON.stringify(container.cpu));
    assert.ok(container.cpu.usageCoreNanoSeconds > 0);
    const lines = (await raw('metrics/cadvisor')).split('\n').filter((line) => /pod="busy"/.test(line));
    const figure = (name: string) =>
      Number(lines.find((line) => line.startsWith(`${name}{`) && line.includes('container="c"'))?.split(' ')[1]);
    assert.ok(figure('container_memory_working_set_bytes') > 20 * mebibyte);
    assert.equal(figure('container_spec_memory_limit_bytes'), 64 * mebibyte);
    assert.equal(figure('container_spec_cpu_quota'), 20_000);
    assert.ok(figure('container_cpu_cfs_throttled_periods_total') > 0);
    assert.ok(Number.isFinite(figure('container_pressure_cpu_waiting_seconds_total')));
    assert.match(await raw('metrics/resource'), /container_memory_working_set_bytes\{[^}]*pod="busy"/);
    await cluster.kubectl('delete pod busy --now');
  });

  test('a pod that is resized keeps its container, and has other limits', async () => {
    const before = (await get('guaranteed')).status.containerStatuses[0];
    const patch = { spec: { containers: [{ name: 'c', resources: both('300m', '96Mi') }] } };
    await cluster.kubectl(`patch pod guaranteed --subresource resize -p '${JSON.stringify(patch)}'`);
    const container = await containerGroupOf('guaranteed');
    const want = [String(96 * mebibyte), '30000 100000'];
    await cluster.eventually('the kernel has them', async () =>
      [container, dirname(container)].every((dir) => reads(dir, 'memory.max', 'cpu.max').join() === want.join()),
    );
    assert.equal(read(dirname(container), 'cpu.weight'), '12');
    await cluster.eventually('they are told', async () => {
      const status = (await get('guaranteed')).status.containerStatuses[0];
      return status.resources.limits.memory === '96Mi' && status.containerID === before.containerID;
    });
    assert.equal(read(container, 'memory.oom.group'), '1');
  });

  test('a pod that goes leaves no group, nor does the cluster', async () => {
    const groups = [await groupOf('guaranteed'), await groupOf('burstable'), await groupOf('besteffort')];
    await cluster.kubectl('delete pod guaranteed burstable besteffort --now');
    await cluster.eventually('the groups are gone', async () => !groups.some((dir) => existsSync(dir)));
    assert.equal((await cluster.coracle(['delete', '--yes'])).code, 0);
    assert.deepEqual(globSync(`${root}/**/*{coracle,${cluster.name}}*`), []);
  });
});
