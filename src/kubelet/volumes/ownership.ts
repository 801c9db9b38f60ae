// Gives a volume to a pod's fsGroup.
import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders get the set-group-id bit, so that what is made in them belongs to the group as well. Links are not followed. */
export async function giveToGroup(root: string, gid: number, onlyOnMismatch: boolean): Promise<void> {
  if (onlyOnMismatch) {
    const stats = await lstat(root);
    if (stats.gid === gid && (stats.mode & 0o2770) === 0o2770) return;
  }
  const pending = [root];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stats = await lstat(path);
    await lchown(path, stats.uid, gid);
    if (stats.isSymbolicLink()) continue;
    await chmod(path, (stats.mode & 0o7777) | (stats.isDirectory() ? 0o2770 : 0o660));
    if (stats.isDirectory()) for (const name of await readdir(path)) pending.push(join(path, name));
  }
}
