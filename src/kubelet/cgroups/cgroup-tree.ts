// The cgroups above containers: PARENT/kubepods/{burstable,besteffort}/podUID, in v1 hierarchies or in the one of v2.
// The runtime makes and removes those of sandboxes and containers below.
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../../generated/core-v1.ts';
import { podLinuxResources, qosClassOf } from '../resources.ts';
import type { LinuxResources } from '../runtime/runtime.ts';

export interface CgroupTreeOptions {
  /** Name at the root, one for each cluster and node: `coracle`. */
  readonly parent: string;
  /** Processes a pod may have; 0 is no limit. */
  readonly podPidsLimit?: number;
  readonly root?: string;
}

export interface CgroupTree {
  /** What a sandbox names as its parent: `/coracle/kubepods/burstable/podUID`. */
  pathOf(pod: Pod): string;
  /** Makes the pod's group with the sums of its requests and limits. */
  ensurePod(pod: Pod): Promise<void>;
  removePod(podUid: string): Promise<void>;
  /** Pods that have a group, by uid. */
  podUids(): Promise<Set<string>>;
  /** Removes all of it, when nothing runs in it. */
  removeAll(): Promise<void>;
}

const tiers = ['', 'burstable', 'besteffort'];

export async function openCgroupTree({
  parent,
  podPidsLimit = 0,
  root = '/sys/fs/cgroup',
}: CgroupTreeOptions): Promise<CgroupTree> {
  const mounts = await cgroupMounts(root);
  const base = `${parent}/kubepods`;
  const paths = (podUid: string) => tiers.map((tier) => join(base, tier, `pod${podUid}`));
  const pathOf = (pod: Pod): string => {
    const qos = qosClassOf(pod.spec);
    return join(base, qos === 'Guaranteed' ? '' : qos.toLowerCase(), `pod${pod.metadata.uid}`);
  };
  return {
    pathOf: (pod) => `/${pathOf(pod)}`,
    async ensurePod(pod) {
      const resources = podLinuxResources(pod.spec);
      await mounts.create(pathOf(pod), resources, podPidsLimit);
    },
    async removePod(podUid) {
      for (const path of paths(podUid)) for (const hierarchy of mounts.all) await removeTree(join(hierarchy, path));
    },
    async podUids() {
      const uids = new Set<string>();
      for (const tier of tiers)
        for (const name of await readdir(join(mounts.main, base, tier)).catch(() => []))
          if (name.startsWith('pod')) uids.add(name.slice(3));
      return uids;
    },
    async removeAll() {
      for (const hierarchy of mounts.all) await removeTree(join(hierarchy, parent));
    },
  };
}

interface CgroupMounts {
  /** Every hierarchy, v1's named ones and the unified one among them: runc makes groups in all. */
  readonly all: readonly string[];
  readonly main: string;
  create(path: string, resources: LinuxResources, pidsLimit: number): Promise<void>;
}

async function cgroupMounts(root: string): Promise<CgroupMounts> {
  const isUnified = (await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => undefined)) !== undefined;
  if (isUnified)
    return { all: [root], main: root, create: (path, resources, pids) => createUnified(root, path, resources, pids) };
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const all = table
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4]!)
    .filter((point) => point.startsWith(root));
  return {
    all,
    main: join(root, 'memory'),
    create: (path, resources, pids) => createSplit(root, path, resources, pids),
  };
}

/** A file the kernel does not have, or will not take, is a limit that is not there: the pod still runs. */
async function setting(path: string, value: string | number): Promise<void> {
  await writeFile(path, String(value)).catch(() => undefined);
}

async function createSplit(root: string, path: string, resources: LinuxResources, pidsLimit: number): Promise<void> {
  const make = async (controller: string, settings: Record<string, string | number | undefined>) => {
    const dir = join(root, controller, path);
    await mkdir(dir, { recursive: true }).catch(() => undefined);
    for (const [file, value] of Object.entries(settings))
      if (value !== undefined) await setting(join(dir, file), value);
  };
  await Promise.all([
    make('cpu', { 'cpu.shares': resources.cpuShares, 'cpu.cfs_quota_us': resources.cpuQuota ?? -1 }),
    make('memory', { 'memory.limit_in_bytes': resources.memoryLimitInBytes ?? -1 }),
    make('pids', { 'pids.max': pidsLimit || undefined }),
  ]);
}

async function createUnified(root: string, path: string, resources: LinuxResources, pidsLimit: number): Promise<void> {
  let dir = root;
  for (const part of path.split('/')) {
    for (const controller of ['cpu', 'memory', 'pids', 'cpuset', 'io', 'hugetlb'])
      await setting(join(dir, 'cgroup.subtree_control'), `+${controller}`);
    dir = join(dir, part);
    await mkdir(dir).catch(() => undefined);
  }
  const shares = resources.cpuShares ?? 2;
  await setting(join(dir, 'cpu.weight'), Math.floor(1 + ((shares - 2) * 9999) / 262_142));
  await setting(join(dir, 'cpu.max'), `${resources.cpuQuota ?? 'max'} ${resources.cpuPeriod ?? 100_000}`);
  await setting(join(dir, 'memory.max'), resources.memoryLimitInBytes ?? 'max');
  if (pidsLimit) await setting(join(dir, 'pids.max'), pidsLimit);
}

/** Groups are folders without files of ours: removed from the leaves up. */
async function removeTree(path: string): Promise<void> {
  const found = [path];
  for (const dir of found) {
    const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
    found.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name)));
  }
  for (const dir of found.reverse()) await rmdir(dir).catch(() => undefined);
}
