// A part of a volume mounted on its own. Containers may write the volume and plant links in it, so the way down goes from
// one open folder to the next, and what is mounted is the descriptor at its end.
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readlink, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Mounter } from './mounter.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const pathOnly = 0o10000000; // O_PATH: sockets and devices open too, and nothing is read

const through = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`;

const maxLinks = 40;

/**
 * Opens `subPath` below `root`, making folders that are missing. Links are followed by hand, as paths relative to where
 * they stand: whatever they say, the way never leaves the root.
 */
async function descend(root: string, subPath: string): Promise<FileHandle> {
  const trail = [await open(root, O_RDONLY | O_DIRECTORY)];
  const left = subPath.split('/');
  let links = 0;
  try {
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (trail.length === 1) throw new Error(`subPath ${JSON.stringify(subPath)} leads out of its volume`);
        await trail.pop()!.close();
        continue;
      }
      const parent = trail.at(-1)!;
      const child = await openChild(parent, part);
      if (!(await child.stat()).isSymbolicLink()) {
        trail.push(child);
        continue;
      }
      await child.close();
      const target = await readlink(`${through(parent)}/${part}`);
      links += 1;
      if (target.startsWith('/') || links > maxLinks)
        throw new Error(`subPath ${JSON.stringify(subPath)} leads through a link out of its volume`);
      left.unshift(...target.split('/'));
    }
    return trail.pop()!;
  } finally {
    for (const handle of trail) await handle.close();
  }
}

async function openChild(parent: FileHandle, name: string): Promise<FileHandle> {
  const path = `${through(parent)}/${name}`;
  try {
    return await open(path, pathOnly | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const { mode, gid } = await parent.stat();
    await mkdir(path, { mode: mode & 0o7777 });
    const child = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    await child.chmod(mode & 0o7777);
    await child.chown((await child.stat()).uid, gid);
    return child;
  }
}

/** Binds the sub path to `target`, which is the path to hand to the runtime. May be repeated. */
export async function bindSubPath(mounter: Mounter, root: string, subPath: string, target: string): Promise<string> {
  if ((await mounter.mountsBelow(target)).includes(target)) return target;
  const isFile = (await stat(root)).isFile();
  const handle = isFile ? await open(root, pathOnly) : await descend(root, subPath);
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o750 });
    if ((await handle.stat()).isDirectory()) await mkdir(target, { recursive: true, mode: 0o750 });
    else await (await open(target, 'a', 0o640)).close();
    await mounter.bind(`/proc/${process.pid}/fd/${handle.fd}`, target);
    return target;
  } finally {
    await handle.close();
  }
}
