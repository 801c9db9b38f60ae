// Where the kernel tells what a group of processes uses, in hierarchies of v1 or in the one of v2.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface CgroupFiles {
  readonly isUnified: boolean;
  /** Lines of a controller's file for a group; '' when there is none. */
  read(controller: string, group: string, file: string): Promise<string>;
  /** When the group was made; undefined when there is none. */
  madeAtMs(group: string): Promise<number | undefined>;
}

export async function openCgroupFiles(root = '/sys/fs/cgroup'): Promise<CgroupFiles> {
  const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const isUnified = (await text(join(root, 'cgroup.controllers'))) !== '';
  const folder = (controller: string, group: string): string =>
    isUnified ? join(root, group) : join(root, controller, group);
  return {
    isUnified,
    read: (controller, group, file) => text(join(folder(controller, group), file)),
    async madeAtMs(group) {
      const stats = await stat(folder('memory', group)).catch(() => undefined);
      return stats?.birthtimeMs || stats?.ctimeMs;
    },
  };
}

/** `key value` lines. */
export function pairs(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [key, value] = line.split(' ');
    if (key && value !== undefined) found.set(key, Number(value));
  }
  return found;
}

/** A file of one number; undefined for `max`, and for a file that is not there. */
export function single(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === 'max') return undefined;
  const value = Number(trimmed);
  // v1 writes "no limit" as the largest number of pages.
  return Number.isFinite(value) && value < 2 ** 62 ? value : undefined;
}
