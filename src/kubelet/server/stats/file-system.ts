// Room in file systems, and what folders take of it. Counting a folder reads all of it: answers are kept for a minute.
import { lstat, opendir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';

export interface FileSystemReading {
  readonly time: string;
  readonly availableBytes: number;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly inodesFree: number;
  readonly inodes: number;
  readonly inodesUsed: number;
}

export async function readFileSystem(path: string, time: string): Promise<FileSystemReading | undefined> {
  const disk = await statfs(path).catch(() => undefined);
  if (!disk) return undefined;
  return {
    time,
    availableBytes: disk.bavail * disk.bsize,
    capacityBytes: disk.blocks * disk.bsize,
    usedBytes: (disk.blocks - disk.bfree) * disk.bsize,
    inodesFree: disk.ffree,
    inodes: disk.files,
    inodesUsed: disk.files - disk.ffree,
  };
}

export interface FolderSize {
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

const freshMs = 60_000;
/** Of one folder; what is beyond is not counted, or one pod's million files would keep the agent busy. */
const maxEntries = 100_000;
const maxFolders = 4_096;

export class FolderSizes {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly atMs: number; readonly size: Promise<FolderSize> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(path: string): Promise<FolderSize> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#known.get(path);
    if (known && nowMs - known.atMs < freshMs) return known.size;
    for (const [other, { atMs }] of this.#known) if (nowMs - atMs > 2 * freshMs) this.#known.delete(other);
    if (this.#known.size >= maxFolders) return Promise.resolve({ usedBytes: 0, inodesUsed: 0 });
    const size = measure(path);
    this.#known.set(path, { atMs: nowMs, size });
    return size;
  }
}

/** On the folder's own file system: what is mounted below is counted where it belongs. */
async function measure(root: string): Promise<FolderSize> {
  const own = await lstat(root).catch(() => undefined);
  if (!own) return { usedBytes: 0, inodesUsed: 0 };
  let usedBytes = own.blocks * 512;
  let inodesUsed = 1;
  const linked = new Set<number>();
  const folders = [root];
  for (const folder of folders) {
    const entries = await opendir(folder).catch(() => undefined);
    if (!entries) continue;
    for await (const entry of entries) {
      if (inodesUsed >= maxEntries) return { usedBytes, inodesUsed };
      const path = join(folder, entry.name);
      const stats = await lstat(path).catch(() => undefined);
      if (!stats || stats.dev !== own.dev) continue;
      if (stats.nlink > 1 && !stats.isDirectory()) {
        if (linked.has(stats.ino)) continue;
        linked.add(stats.ino);
      }
      usedBytes += stats.blocks * 512;
      inodesUsed += 1;
      if (stats.isDirectory()) folders.push(path);
    }
  }
  return { usedBytes, inodesUsed };
}
