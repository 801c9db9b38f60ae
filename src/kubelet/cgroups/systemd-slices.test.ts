// Groups of a runtime that keeps them with systemd, as CRI-O does by default: what systemd is told, and what the runtime is.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { openCgroupTree } from './cgroup-tree.ts';

const burstable = 'coracle_dev.slice/coracle_dev-kubepods.slice/coracle_dev-kubepods-burstable.slice';
const ofPod = 'coracle_dev-kubepods-burstable-pod1f_2a.slice';
const accounting = ['CPUAccounting', 'b', 'true', 'MemoryAccounting', 'b', 'true', 'TasksAccounting', 'b', 'true'];

const pod: Pod = {
  metadata: { name: 'web', namespace: 'default', uid: '1f-2a' },
  spec: {
    containers: [
      { name: 'a', resources: { requests: { cpu: '500m', memory: '64Mi' }, limits: { cpu: '1', memory: '128Mi' } } },
    ],
  },
};

async function onSystemd(
  controllers: string | undefined,
  refuse: (name: string) => string | undefined = () => undefined,
) {
  const root = await mkdtemp(join(tmpdir(), 'slices-'));
  if (controllers) await writeFile(join(root, 'cgroup.controllers'), controllers);
  for (const name of controllers ? [] : ['cpu', 'memory', 'pids']) {
    await mkdir(join(root, name));
    await writeFile(join(root, name, 'cgroup.procs'), '');
  }
  const calls: string[][] = [];
  const systemd = async (...args: string[]) => {
    calls.push(args);
    const problem = refuse(args[0]!);
    if (problem) throw new Error(problem);
  };
  const tree = await openCgroupTree({ parent: 'coracle-dev', podPidsLimit: 100, driver: 'systemd', systemd, root });
  return { root, calls, tree, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) };
}

test('a sandbox names the slice of its pod as its parent, and all pods are found again by theirs', async () => {
  await using machine = await onSystemd('cpu memory pids');
  const { tree } = machine;
  await tree.ensurePod(pod);
  assert.equal(tree.pathOf(pod), `/${burstable}/${ofPod}`);
  assert.equal(tree.podsGroup, '/coracle_dev.slice/coracle_dev-kubepods.slice');
  assert.deepEqual([...(await tree.podUids())], ['1f-2a']);
  assert.equal(await readFile(join(machine.root, burstable, ofPod, 'memory.max'), 'utf8'), '134217728');
});

test("systemd is told of a pod's limits, once, and again when they change", async () => {
  await using machine = await onSystemd('cpu memory pids');
  const { tree, calls } = machine;
  await tree.ensurePod(pod);
  await tree.ensurePod(pod);
  const properties = ['CPUWeight', 't', '20', 'CPUQuotaPerSecUSec', 't', '1000000', 'MemoryMax', 't', '134217728'];
  const all = [...accounting, ...properties, 'TasksMax', 't', '100'];
  assert.deepEqual(calls, [['StartTransientUnit', 'ssa(sv)a(sa(sv))', ofPod, 'replace', '7', ...all, '0']]);
  await tree.removePod('1f-2a');
  assert.deepEqual(calls.at(-1), ['StopUnit', 'ss', ofPod, 'replace']);
});

test('a slice that is there already, of an agent that ended, is changed', async () => {
  await using machine = await onSystemd('cpu memory pids', (method) =>
    method === 'StartTransientUnit'
      ? `Call failed: Unit ${ofPod} was already loaded or has a fragment file.`
      : undefined,
  );
  await machine.tree.ensurePod(pod);
  assert.deepEqual(machine.calls[1]!.slice(0, 5), ['SetUnitProperties', 'sba(sv)', ofPod, 'true', '7']);
});

test('with cgroup v1 its limits have the names of v1', async () => {
  await using machine = await onSystemd(undefined);
  await machine.tree.ensurePod({ ...pod, spec: { containers: [{ name: 'a' }] } });
  const names = machine.calls[0]!.filter((word) => /^(CPU|Memory|Tasks)/.test(word) && !word.endsWith('Accounting'));
  assert.deepEqual(names, ['CPUShares', 'CPUQuotaPerSecUSec', 'MemoryLimit', 'TasksMax']);
  assert.ok(machine.calls[0]!.includes('18446744073709551615'));
});
