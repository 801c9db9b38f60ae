// A part of a volume mounted on its own. Containers may write the volume and plant links in it, so the way down goes from
// one open folder to the next, follows no link, and what is mounted is the descriptor at its end.
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Mounter } from './mounter.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const pathOnly = 0o10000000; // O_PATH: sockets and devices open too, and nothing is read

const through = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`;

/** Opens `subPath` below `root`, making folders that are missing. */
async function descend(root: string, subPath: string): Promise<FileHandle> {
  let current = await open(root, O_RDONLY | O_DIRECTORY);
  for (const part of subPath.split('/').filter((each) => each !== '' && each !== '.')) {
    const parent = current;
    try {
      if (part === '..') throw new Error(`subPath ${JSON.stringify(subPath)} must not contain ".."`);
      current = await openChild(parent, part);
    } finally {
      await parent.close();
    }
    if ((await current.stat()).isSymbolicLink()) {
      await current.close();
      throw new Error(`subPath ${JSON.stringify(subPath)} leads through a link`);
    }
  }
  return current;
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
