// What the node has left of everything that evictions look at.
import { readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Quantity } from '../../api/meta/quantity.ts';
import type { Observation, Observations } from './pressure-state.ts';
import type { Signal } from './thresholds.ts';

export interface NodePlaces {
  /** On the disk of pods: volumes and logs. */
  readonly nodeDir: string;
  /** On the disk of images and containers' layers. */
  readonly imageDir: string;
  /** Bytes that all pods use together and may use; undefined where they have no limit. */
  readonly podMemory: () => Promise<{ readonly usedBytes: number; readonly limitBytes: number } | undefined>;
}

const bytes = (amount: number): Quantity => Quantity.ofUnits(Math.max(0, Math.floor(amount)), 'binary');
const count = (amount: number): Quantity => Quantity.ofUnits(Math.floor(amount));
const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

export async function observeNode({ nodeDir, imageDir, podMemory }: NodePlaces): Promise<Observations> {
  const [memory, pods, nodefs, imagefs, pids] = await Promise.all([
    machineMemory(),
    podMemory(),
    fileSystem(nodeDir),
    fileSystem(imageDir),
    processes(),
  ]);
  const found: readonly (readonly [Signal, Observation | undefined])[] = [
    ['memory.available', memory],
    [
      'allocatableMemory.available',
      pods && { available: bytes(pods.limitBytes - pods.usedBytes), capacity: bytes(pods.limitBytes) },
    ],
    ['nodefs.available', nodefs?.space],
    ['nodefs.inodesFree', nodefs?.inodes],
    ['imagefs.available', imagefs?.space],
    ['imagefs.inodesFree', imagefs?.inodes],
    // Layers of containers are beside the images.
    ['containerfs.available', imagefs?.space],
    ['containerfs.inodesFree', imagefs?.inodes],
    ['pid.available', pids],
  ];
  return new Map(found.flatMap(([signal, observed]) => (observed ? [[signal, observed] as const] : [])));
}

/** The kernel's own estimate of what a program can have without swapping. */
async function machineMemory(): Promise<Observation | undefined> {
  const table = await text('/proc/meminfo');
  const kibi = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(table)?.[1] ?? Number.NaN);
  const [available, total] = [kibi('MemAvailable'), kibi('MemTotal')];
  if (Number.isNaN(available) || Number.isNaN(total)) return undefined;
  return { available: bytes(available * 1024), capacity: bytes(total * 1024) };
}

async function fileSystem(path: string): Promise<{ space: Observation; inodes?: Observation } | undefined> {
  const found = await statfs(path).catch(() => undefined);
  if (!found) return undefined;
  const space = { available: bytes(found.bavail * found.bsize), capacity: bytes(found.blocks * found.bsize) };
  // Some file systems make inodes as they need them, and tell of none.
  return found.files > 0
    ? { space, inodes: { available: count(found.ffree), capacity: count(found.files) } }
    : { space };
}

async function processes(): Promise<Observation | undefined> {
  const [load, pidMax, threadsMax] = await Promise.all([
    text('/proc/loadavg'),
    text('/proc/sys/kernel/pid_max'),
    text('/proc/sys/kernel/threads-max'),
  ]);
  const running = Number(load.split(' ')[3]?.split('/')[1] ?? Number.NaN);
  const most = Math.min(Number(pidMax || Number.NaN), Number(threadsMax || Number.POSITIVE_INFINITY));
  if (Number.isNaN(running) || Number.isNaN(most)) return undefined;
  return { available: count(most - running), capacity: count(most) };
}

/** Whether images have a disk of their own. */
export async function hasOwnImageDisk({ nodeDir, imageDir }: NodePlaces): Promise<boolean> {
  const [one, other] = await Promise.all([nodeDir, imageDir].map((path) => stat(path).catch(() => undefined)));
  return one !== undefined && other !== undefined && one.dev !== other.dev;
}

/** Bytes in use and the limit of a group of processes, in whichever version of cgroups there is. */
export async function cgroupMemory(
  dir: string,
): Promise<{ readonly usedBytes: number; readonly limitBytes: number } | undefined> {
  const isUnified = (await text(join(dir, 'memory.current'))) !== '';
  const [usage, limit, stats] = await Promise.all([
    text(join(dir, isUnified ? 'memory.current' : 'memory.usage_in_bytes')),
    text(join(dir, isUnified ? 'memory.max' : 'memory.limit_in_bytes')),
    text(join(dir, 'memory.stat')),
  ]);
  const limitBytes = Number(limit);
  // Version 1 says `none` with a number near the largest there is.
  if (usage === '' || Number.isNaN(limitBytes) || limitBytes > 2 ** 60) return undefined;
  const idle = Number(/^(?:total_)?inactive_file (\d+)/m.exec(stats)?.[1] ?? 0);
  return { usedBytes: Math.max(0, Number(usage) - idle), limitBytes };
}
