// Folders that drivers mount into: removed when nothing is mounted there, and never with what is in them.
import { rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Mounter } from '../volumes/mounter.ts';
import { volumeDataFile } from './layout.ts';

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

/** The folder, the data beside it and the folder of both. Leaves all where something is mounted still. */
export async function removeMountFolder(mounter: Mounter, folder: string): Promise<void> {
  if ((await mounter.mountsBelow(folder)).includes(folder)) return;
  await rmdir(folder)
    .catch((error) => ((error as NodeJS.ErrnoException).code === 'ENOTDIR' ? unlink(folder) : Promise.reject(error)))
    .catch(ignoreMissing);
  await unlink(join(dirname(folder), volumeDataFile)).catch(ignoreMissing);
  await rmdir(dirname(folder)).catch(ignoreMissing);
}

/** An empty folder; what is missing or holds something stays as it is. */
export const removeEmpty = (folder: string): Promise<void> => rmdir(folder).catch(() => undefined);
