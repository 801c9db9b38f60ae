// One group of processes in the hierarchies of v1, or in the one of v2: made, and its settings written.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Absent: left as it is. `Infinity`: no limit. */
export interface GroupSettings {
  readonly cpuShares?: number | undefined;
  readonly cpuQuota?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly pids?: number | undefined;
  /** Bytes by size of the page, `2Mi`. */
  readonly hugePages?: ReadonlyMap<string, number> | undefined;
}

/** Without these nothing of a pod can be held to anything; upstream's agent does not start then. */
const needed = ['cpu', 'cpuset', 'memory'];
/** Without it a pod may have as many processes as it likes. */
const useful = ['pids'];

export interface MissingControllers {
  readonly needed: readonly string[];
  readonly useful: readonly string[];
}

export interface CgroupMounts {
  /** Controllers that the kernel has not, or that are not mounted here. */
  readonly missing: MissingControllers;
  readonly version: 1 | 2;
  /** Every hierarchy, v1's named ones and the unified one among them: runc makes groups in all. */
  readonly all: readonly string[];
  /** The one that counts memory: every pod has a group in it. */
  readonly main: string;
  readonly pids: string;
  /** @returns whether the kernel took all of it */
  write(path: string, settings: GroupSettings): Promise<boolean>;
}

export async function cgroupMounts(root: string): Promise<CgroupMounts> {
  const unified = await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => undefined);
  const has = (name: string) =>
    unified === undefined ? existsSync(join(root, name, 'cgroup.procs')) : unified.split(/\s/).includes(name);
  const without = (names: readonly string[]) => names.filter((name) => !has(name));
  const missing = { needed: without(needed), useful: without(useful) };
  if (unified !== undefined)
    return {
      missing,
      version: 2,
      all: [root],
      main: root,
      pids: root,
      write: (path, settings) => writeUnified(root, path, settings),
    };
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const all = table
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4]!)
    .filter((point) => point.startsWith(root));
  return {
    missing,
    version: 1,
    all,
    main: join(root, 'memory'),
    pids: join(root, 'pids'),
    write: (path, settings) => writeSplit(root, path, settings),
  };
}

type Files = Readonly<Record<string, string | number | undefined>>;

const amount = (value: number | undefined, unlimited: string): string | number | undefined =>
  value === Number.POSITIVE_INFINITY ? unlimited : value;

async function writeSplit(root: string, path: string, settings: GroupSettings): Promise<boolean> {
  const { cpuShares, cpuQuota, cpuPeriod, memoryBytes, pids, hugePages } = settings;
  // A hierarchy that the kernel does not have would become a folder like any other.
  const has = (controller: string) => existsSync(join(root, controller, 'cgroup.procs'));
  const write = async (controller: string, files: Files) => {
    if (!has(controller)) return false;
    const dir = join(root, controller, path);
    await mkdir(dir, { recursive: true }).catch(() => undefined);
    return writeAll(dir, files);
  };
  const pages = [...(hugePages ?? [])].map(([size, bytes]) => [
    `hugetlb.${size.replace(/i$/, 'B')}.limit_in_bytes`,
    amount(bytes, '-1'),
  ]);
  const taken = await Promise.all([
    write('cpu', {
      'cpu.shares': cpuShares,
      'cpu.cfs_period_us': cpuPeriod,
      'cpu.cfs_quota_us': amount(cpuQuota, '-1'),
    }),
    write('memory', { 'memory.limit_in_bytes': amount(memoryBytes, '-1') }),
    write('pids', { 'pids.max': amount(pids, 'max') }),
    // Without it large pages can not be limited, as on machines that have none.
    pages.length > 0 && has('hugetlb') ? write('hugetlb', Object.fromEntries(pages)) : true,
  ]);
  return taken.every(Boolean);
}

const controllers = ['cpu', 'memory', 'pids', 'cpuset', 'io', 'hugetlb'];

async function writeUnified(root: string, path: string, settings: GroupSettings): Promise<boolean> {
  const { cpuShares, cpuQuota, cpuPeriod, memoryBytes, pids, hugePages } = settings;
  let dir = root;
  for (const part of path.split('/')) {
    for (const controller of controllers) await writeAll(dir, { 'cgroup.subtree_control': `+${controller}` });
    dir = join(dir, part);
    await mkdir(dir).catch(() => undefined);
  }
  const pages = [...(hugePages ?? [])].map(([size, bytes]) => [
    `hugetlb.${size.replace(/i$/, 'B')}.max`,
    amount(bytes, 'max'),
  ]);
  return writeAll(dir, {
    'cpu.weight': cpuShares === undefined ? undefined : Math.floor(1 + ((cpuShares - 2) * 9999) / 262_142),
    'cpu.max': cpuQuota === undefined ? undefined : `${amount(cpuQuota, 'max')} ${cpuPeriod ?? 100_000}`,
    'memory.max': amount(memoryBytes, 'max'),
    'pids.max': amount(pids, 'max'),
    ...Object.fromEntries(pages),
  });
}

/** A file the kernel does not have, or will not take, is a limit that is not there: pods still run. */
async function writeAll(dir: string, files: Files): Promise<boolean> {
  let isTaken = true;
  for (const [file, value] of Object.entries(files))
    if (value !== undefined)
      await writeFile(join(dir, file), String(value)).catch(() => {
        isTaken = false;
      });
  return isTaken;
}

/** Groups are folders without files of ours: removed from the leaves up. */
export async function removeTree(path: string): Promise<void> {
  const found = [path];
  for (const dir of found) {
    const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
    found.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name)));
  }
  for (const dir of found.reverse()) await rmdir(dir).catch(() => undefined);
}
