// Images inside containerd, by way of its own `ctr`, in the namespace that its CRI plugin reads.
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readArchiveReferences } from './archive-reader.ts';

const run = promisify(execFile);
const namespace = 'k8s.io';

export interface StoredImage {
  readonly reference: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/**
 * Loads every image of the archive and gives back their references. Unpacks
 * them too, so that the first pod need not. Loading one that is there already is cheap.
 */
export async function importArchive(file: string, containerdSocket: string, signal?: AbortSignal): Promise<string[]> {
  const references = await readArchiveReferences(file);
  await ctr(containerdSocket, ['images', 'import', file], signal);
  return references;
}

/**
 * Brings every image of one containerd to another, by way of a file.
 *
 * @param file where it may be written; gone afterwards
 */
export async function copyImages(from: string, to: string, file: string): Promise<void> {
  const names = (await listImages(from)).map(({ reference }) => reference);
  if (names.length === 0) return;
  try {
    await ctr(from, ['images', 'export', file, ...names]);
    await ctr(to, ['images', 'import', file]);
  } finally {
    await rm(file, { force: true });
  }
}

/** Images that have a name (those known by digest alone are left out), sorted. */
export async function listImages(containerdSocket: string, signal?: AbortSignal): Promise<StoredImage[]> {
  const output = await ctr(containerdSocket, ['images', 'ls'], signal);
  return parseImageTable(output);
}

const unitBytes: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** The table of `ctr images ls`: REF, TYPE, DIGEST, SIZE (two words), PLATFORMS, LABELS. */
export function parseImageTable(table: string): StoredImage[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/))
    .filter(([reference]) => reference && !reference.startsWith('sha256:') && !reference.includes('@sha256:'))
    .map(([reference, , digest, size, unit]) => ({
      reference: reference!,
      digest: digest ?? '',
      sizeBytes: Math.round(Number(size) * (unitBytes[unit ?? ''] ?? 0)) || 0,
    }));
}

async function ctr(socket: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  try {
    const options = { maxBuffer: 16 * 1024 * 1024, ...(signal && { signal }) };
    const { stdout } = await run('ctr', ['-a', socket, '-n', namespace, ...args], options);
    return stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new Error('ctr not found: install containerd (make setup)', { cause: error });
    }
    const text = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`ctr ${args[0]} ${args[1]}: ${text || (error as Error).message}`, { cause: error });
  }
}
