// What an emptyDir is mounted from, by its medium.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { EmptyDirVolumeSource, ResourceRequirements } from '../../../generated/core-v1.ts';
import { emptyDir } from './empty-dir.ts';
import type { VolumeContext } from './volume-driver.ts';

const mebi = 2 ** 20;
const pages = (size: string) => ({
  limits: { [`hugepages-${size}`]: '4Mi' },
  requests: { [`hugepages-${size}`]: '4Mi' },
});
const most = (memory: string) => ({ limits: { memory } });

for (const { name, source, containers, want } of [
  { name: 'on the disk it is a folder', source: {}, containers: [{}], want: [] },
  {
    name: 'in memory it is no larger than all pods',
    source: { medium: 'Memory' },
    containers: [{}],
    want: ['tmpfs', 1024 * mebi],
  },
  {
    name: 'in memory it is no larger than its pod',
    source: { medium: 'Memory', sizeLimit: '512Mi' },
    containers: [most('32Mi'), most('64Mi')],
    want: ['tmpfs', 96 * mebi],
  },
  {
    name: 'in memory it is no larger than it says',
    source: { medium: 'Memory', sizeLimit: '8Mi' },
    containers: [most('32Mi')],
    want: ['tmpfs', 8 * mebi],
  },
  {
    name: 'in huge pages it has those that the pod asks for',
    source: { medium: 'HugePages' },
    containers: [{}, pages('2Mi')],
    want: ['hugetlbfs', 'pagesize=2Mi'],
  },
  {
    name: 'in huge pages of a size it has those',
    source: { medium: 'HugePages-1Gi' },
    containers: [pages('2Mi'), pages('1Gi')],
    want: ['hugetlbfs', 'pagesize=1Gi'],
  },
  {
    name: 'in huge pages it says which',
    source: { medium: 'HugePages' },
    containers: [pages('2Mi'), pages('1Gi')],
    want: /medium: HugePages can't be used if container requests multiple huge page sizes/,
  },
  {
    name: 'in huge pages it asks for some',
    source: { medium: 'HugePages-2Mi' },
    containers: [{}],
    want: /hugePages storage requested, but there is no resource request for huge pages/,
  },
] as { name: string; source: EmptyDirVolumeSource; containers: ResourceRequirements[]; want: unknown[] | RegExp }[])
  test(`an emptyDir: ${name}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coracle-empty-'));
    const mounted: unknown[] = [];
    const context = {
      pod: { spec: { containers: containers.map((resources) => ({ name: 'c', resources })) } },
      volume: { name: 'v', emptyDir: source },
      dir: join(folder, 'v'),
      facts: { allocatable: { memory: '1Gi' } },
      services: {
        mounter: {
          mountsBelow: async () => [],
          mountTmpfs: async (_: string, { sizeBytes }: { sizeBytes: number }) => mounted.push('tmpfs', sizeBytes),
          mount: async (type: string, _source: string, _target: string, options: string[]) =>
            mounted.push(type, ...options),
        },
      },
    } as unknown as VolumeContext;
    try {
      if (want instanceof RegExp) await assert.rejects(emptyDir.setUp(context), want);
      else {
        await emptyDir.setUp(context);
        assert.deepEqual(mounted, want);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
