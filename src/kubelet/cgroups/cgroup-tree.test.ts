// What is written where, on a folder that looks like each kind of hierarchy. That the kernel honours it is seen in
// test/e2e on the kind the machine has.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { openCgroupTree } from './cgroup-tree.ts';
import { cgroupMounts } from './group-files.ts';

async function hierarchy(root: string, controller: string): Promise<void> {
  await mkdir(join(root, controller));
  await writeFile(join(root, controller, 'cgroup.procs'), '');
}

const pod: Pod = {
  metadata: { name: 'web', namespace: 'default', uid: 'u1' },
  spec: {
    containers: [
      { name: 'a', resources: { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '500m', memory: '64Mi' } } },
      { name: 'b', resources: { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '500m', memory: '64Mi' } } },
    ],
  },
};

const path = 'coracle/kubepods/burstable/podu1';

for (const { name, marks, want } of [
  {
    name: 'the one hierarchy of v2',
    marks: ['cgroup.controllers'],
    want: {
      [`${path}/cpu.max`]: '100000 100000',
      [`${path}/cpu.weight`]: '20',
      [`${path}/memory.max`]: '134217728',
      [`${path}/pids.max`]: '100',
    },
  },
  {
    name: 'the hierarchies of v1',
    marks: [],
    want: {
      [`cpu/${path}/cpu.shares`]: '512',
      [`cpu/${path}/cpu.cfs_quota_us`]: '100000',
      [`memory/${path}/memory.limit_in_bytes`]: '134217728',
      [`pids/${path}/pids.max`]: '100',
    },
  },
]) {
  test(`a pod's sums reach ${name}`, async () => {
    const root = await mkdtemp(join(tmpdir(), 'cgroup-tree-'));
    try {
      for (const mark of marks) await writeFile(join(root, mark), 'cpu memory pids');
      for (const controller of ['cpu', 'memory', 'pids']) await hierarchy(root, controller);
      const tree = await openCgroupTree({ parent: 'coracle', podPidsLimit: 100, root });
      await tree.ensurePod(pod);
      assert.equal(tree.pathOf(pod), `/${path}`);
      const found = await Promise.all(
        Object.keys(want).map(async (file) => [file, await readFile(join(root, file), 'utf8')]),
      );
      assert.deepEqual(Object.fromEntries(found), want);
      assert.deepEqual(await tree.podUids(), new Set(['u1']));
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
}

test('a hierarchy that the kernel does not have is not made up', async () => {
  const root = await mkdtemp(join(tmpdir(), 'cgroup-tree-'));
  try {
    await hierarchy(root, 'cpu');
    await mkdir(join(root, 'hugetlb'));
    const { write } = await cgroupMounts(root);
    assert.equal(await write('coracle', { hugePages: new Map([['2Mi', 0]]), cpuShares: 2 }), false);
    assert.deepEqual(await readdir(join(root, 'hugetlb')), []);
    assert.deepEqual((await readdir(root)).sort(), ['cpu', 'hugetlb']);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('controllers that are not there are named', async () => {
  const root = await mkdtemp(join(tmpdir(), 'coracle-cgroups-'));
  for (const name of ['cpu', 'cpuset']) await hierarchy(root, name);
  assert.deepEqual((await cgroupMounts(root)).missing, { needed: ['memory'], useful: ['pids'] });
  await writeFile(join(root, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
  assert.deepEqual((await cgroupMounts(root)).missing, { needed: [], useful: [] });
  await rm(root, { recursive: true });
});
