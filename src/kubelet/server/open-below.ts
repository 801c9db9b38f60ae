// Files below a folder, and none outside of it.
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeApiError } from './find-container.ts';

export const notFound = (): NodeApiError => new NodeApiError(404, '404 page not found');

/** Opens what is below `root` and nothing else: links that lead out of it are not there. */
export async function openBelow(logRoot: string, path: string): Promise<{ handle: FileHandle; path: string }> {
  const parts = path.split('/').filter(Boolean);
  if (path.includes('\0') || path.includes('\\') || parts.includes('..')) throw notFound();
  const base = await realpath(logRoot).catch(() => logRoot);
  let handle: FileHandle | undefined;
  try {
    // Without waiting: a pipe that nobody writes to is no log.
    handle = await open(join(base, ...parts), constants.O_RDONLY | constants.O_NONBLOCK);
    // What was opened, not what the name leads to by now.
    const opened = await realpath(`/proc/self/fd/${handle.fd}`);
    if (opened !== base && !opened.startsWith(`${base}/`)) throw notFound();
    return { handle, path: opened };
  } catch {
    await handle?.close();
    throw notFound();
  }
}
