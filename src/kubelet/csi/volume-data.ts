// vol_data.json: what a restarted agent knows of a volume.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { volumeDataFile } from './layout.ts';

export interface VolumeData {
  readonly volumeHandle: string;
  readonly driverName: string;
  readonly specVolID?: string;
  readonly nodeName?: string;
  readonly attachmentID?: string;
  readonly volumeLifecycleMode?: 'Persistent' | 'Ephemeral';
}

export async function saveVolumeData(folder: string, data: VolumeData): Promise<void> {
  const inOrder = Object.fromEntries(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)));
  const path = join(folder, volumeDataFile);
  await writeFile(`${path}.new`, `${JSON.stringify(inOrder)}\n`, { mode: 0o644 });
  await rename(`${path}.new`, path); // whole or not at all: without it nothing would ever be unpublished
}

/** Undefined where there is none, or none that says which volume. */
export async function loadVolumeData(folder: string): Promise<VolumeData | undefined> {
  try {
    const data = JSON.parse(await readFile(join(folder, volumeDataFile), 'utf8'));
    return typeof data?.volumeHandle === 'string' && typeof data.driverName === 'string' ? data : undefined;
  } catch {
    return undefined;
  }
}
