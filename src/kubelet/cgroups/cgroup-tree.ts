// The cgroups above containers: PARENT/kubepods/{burstable,besteffort}/podUID. The runtime makes and removes those of
// sandboxes and containers below.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Pod } from '../../../generated/core-v1.ts';
import { podResources } from '../../api/core/effective-resources.ts';
import { type CpuLimits, cpuShares, podLinuxResources, qosClassOf } from '../resources.ts';
import type { CgroupDriver } from '../runtime/runtime.ts';
import { cgroupMounts, type GroupSettings, type MissingControllers, removeTree } from './group-files.ts';
import { groupPath, podUidOf } from './group-names.ts';
import { type CallSystemd, createSlices, systemdOfMachine } from './systemd-slices.ts';

export interface CgroupTreeOptions {
  /** Name at the root, one for each cluster and node: `coracle`. */
  readonly parent: string;
  /** Processes a pod may have; 0 is no limit. */
  readonly podPidsLimit?: number;
  /** Of large pages that the node has: who asks for none may use none. */
  readonly hugePageSizes?: readonly string[];
  readonly cpuLimits?: CpuLimits;
  /** How the runtime keeps groups; default cgroupfs. */
  readonly driver?: CgroupDriver;
  /** Told of groups that are slices; default: the machine's, where it runs. */
  readonly systemd?: CallSystemd;
  readonly root?: string;
}

/** What all pods may have together; absent: not limited. */
export interface PodsLimit {
  readonly cpuMilli: number;
  readonly memoryBytes?: number;
  readonly pids?: number;
  /** Bytes by size of the page, `2Mi`. */
  readonly hugePages: ReadonlyMap<string, number>;
}

/** Memory that lower classes may not use, because higher ones have asked for it. */
export interface MemoryReserve {
  readonly allocatableBytes: number;
  /** Of the requests, in hundredths. */
  readonly percent: number;
}

export interface CgroupTree {
  readonly missing: MissingControllers;
  /** Of the kernel's interface: one hierarchy for all controllers is 2. */
  readonly version: 1 | 2;
  /** Whether v2 can keep a group from swap. */
  hasSwapLimit(): Promise<boolean>;
  /** What a sandbox names as its parent: `/coracle/kubepods/burstable/podUID`. */
  pathOf(pod: Pod): string;
  /** Makes the pod's group with the sums of its requests and limits. */
  ensurePod(pod: Pod): Promise<void>;
  removePod(podUid: string): Promise<void>;
  /** Pods that have a group, by uid. */
  podUids(): Promise<Set<string>>;
  /** Holds all pods to a limit. @returns whether the kernel took it */
  limitPods(limit: PodsLimit): Promise<boolean>;
  /** Shares the machine between the classes as these pods ask for it. */
  balance(pods: readonly Pod[], reserve?: MemoryReserve): Promise<void>;
  /** Of all pods, as `pathOf` gives those of one. */
  readonly podsGroup: string;
  /** The group of all pods, where memory is counted. */
  readonly memoryDir: string;
  processCount(pod: Pod): Promise<number>;
  /** Removes all of it, when nothing runs in it. */
  removeAll(): Promise<void>;
}

const tiers = ['', 'burstable', 'besteffort'];

export async function openCgroupTree({
  parent,
  podPidsLimit = 0,
  hugePageSizes = [],
  cpuLimits,
  driver = 'cgroupfs',
  systemd = driver === 'systemd' ? systemdOfMachine() : undefined,
  root = '/sys/fs/cgroup',
}: CgroupTreeOptions): Promise<CgroupTree> {
  const mounts = await cgroupMounts(root);
  const slices = systemd && createSlices(systemd, mounts.main === root);
  const at = (...parts: string[]) => groupPath(driver, [parent, 'kubepods', ...parts]);
  const base = at();
  const write = async (path: string, settings: GroupSettings) => {
    await slices?.apply(basename(path), settings);
    return mounts.write(path, settings);
  };
  const paths = (podUid: string) => tiers.map((tier) => at(tier, `pod${podUid}`));
  const pathOf = (pod: Pod): string => {
    const qos = qosClassOf(pod.spec);
    return at(qos === 'Guaranteed' ? '' : qos.toLowerCase(), `pod${pod.metadata.uid}`);
  };
  return {
    missing: mounts.missing,
    version: mounts.version,
    async hasSwapLimit() {
      if (mounts.version === 1) return false;
      await write(base, {}).catch(() => false); // only groups below the root have limits
      return existsSync(join(mounts.main, base, 'memory.swap.max'));
    },
    pathOf: (pod) => `/${pathOf(pod)}`,
    async ensurePod(pod) {
      const { cpuShares: shares, cpuQuota, cpuPeriod, memoryLimitInBytes } = podLinuxResources(pod.spec, cpuLimits);
      await write(pathOf(pod), {
        cpuShares: shares,
        cpuPeriod,
        cpuQuota: cpuQuota === undefined || cpuQuota < 0 ? Number.POSITIVE_INFINITY : cpuQuota,
        memoryBytes: memoryLimitInBytes ?? Number.POSITIVE_INFINITY,
        pids: podPidsLimit || undefined,
        hugePages: hugePagesOf(pod, hugePageSizes),
      });
    },
    async removePod(podUid) {
      for (const path of paths(podUid)) {
        if (slices && existsSync(join(mounts.main, path))) await slices.remove(basename(path));
        for (const hierarchy of mounts.all) await removeTree(join(hierarchy, path));
      }
    },
    async podUids() {
      const uids = new Set<string>();
      for (const tier of tiers)
        for (const name of await readdir(join(mounts.main, at(tier))).catch(() => [])) {
          const uid = podUidOf(driver, name);
          if (uid) uids.add(uid);
        }
      return uids;
    },
    limitPods: ({ cpuMilli, memoryBytes = Number.POSITIVE_INFINITY, pids = Number.POSITIVE_INFINITY, hugePages }) =>
      write(base, { cpuShares: cpuShares(cpuMilli), memoryBytes, pids, hugePages }),
    async balance(pods, reserve) {
      const sum = (qos: string, name: string) =>
        pods
          .filter(({ spec }) => qosClassOf(spec) === qos)
          .reduce((total, { spec }) => total + Number(podResources(spec, 'requests').get(name)?.nanos ?? 0n) / 1e9, 0);
      const left = reserve && memoryLeft(reserve, sum('Guaranteed', 'memory'), sum('Burstable', 'memory'));
      await Promise.all([
        write(at('burstable'), {
          cpuShares: cpuShares(Math.ceil(sum('Burstable', 'cpu') * 1000)),
          memoryBytes: left?.burstable,
        }),
        write(at('besteffort'), { cpuShares: cpuShares(0), memoryBytes: left?.bestEffort }),
      ]);
    },
    podsGroup: `/${base}`,
    memoryDir: join(mounts.main, base),
    async processCount(pod) {
      const text = await readFile(join(mounts.pids, pathOf(pod), 'pids.current'), 'utf8').catch(() => '0');
      return Number(text);
    },
    async removeAll() {
      const top = groupPath(driver, [parent]);
      await slices?.remove(top);
      for (const hierarchy of mounts.all) await removeTree(join(hierarchy, top));
    },
  };
}

function memoryLeft({ allocatableBytes, percent }: MemoryReserve, guaranteed: number, burstable: number) {
  const forBurstable = allocatableBytes - Math.floor((guaranteed * percent) / 100);
  return { burstable: forBurstable, bestEffort: forBurstable - Math.floor((burstable * percent) / 100) };
}

function hugePagesOf({ spec }: Pod, sizes: readonly string[]): Map<string, number> {
  const limits = [...podResources(spec, 'limits')].filter(([name]) => name.startsWith('hugepages-'));
  return new Map([
    ...sizes.map((size): [string, number] => [size, 0]),
    ...limits.map(([name, amount]): [string, number] => [name.slice('hugepages-'.length), Number(amount.units)]),
  ]);
}
