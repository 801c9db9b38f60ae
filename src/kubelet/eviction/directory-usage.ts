// How much a folder holds. The machine's `du` looks: a pod may have made a million files, and this process has other work.
import { execFile } from 'node:child_process';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';

const limitMs = 60_000;
/** More of them are as good as this many. */
const enoughInodes = 1_000_000;

/** Bytes on the disk, of this file system alone; 0 for a folder that is not there. */
export function directoryBytes(path: string): Promise<number> {
  return new Promise((resolve) => {
    // What cannot be read, or goes away meanwhile, makes it fail with the sum of the rest on its output.
    execFile('du', ['-skx', '--', path], { timeout: limitMs, env: { LC_ALL: 'C' } }, (_, stdout) =>
      resolve(Number(/^\d+/.exec(stdout)?.[0] ?? 0) * 1024),
    );
  });
}

/** Files and folders, itself among them. */
export async function directoryInodes(path: string): Promise<number> {
  let found = 0;
  const waiting = [path];
  for (let next = waiting.pop(); next !== undefined && found < enoughInodes; next = waiting.pop()) {
    found += 1;
    const dir = await opendir(next).catch(() => undefined);
    if (!dir) continue;
    try {
      for await (const entry of dir) {
        if (entry.isDirectory()) waiting.push(join(next, entry.name));
        else found += 1;
        if (found >= enoughInodes) break;
      }
    } catch {
      // Removed while we looked.
    }
  }
  return found;
}
