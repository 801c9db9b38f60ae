// Files that change together: a new folder is filled, then the link `..data` moves to it in one step.
import { randomUUID } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface VolumeFile {
  readonly content: Uint8Array;
  readonly mode: number;
}

/** Paths are relative and stay inside: `key`, `dir/key`. */
export type VolumeFiles = ReadonlyMap<string, VolumeFile>;

export interface Ownership {
  readonly gid?: number;
}

/** @returns whether anything changed. */
export async function writeAtomically(root: string, files: VolumeFiles, { gid }: Ownership = {}): Promise<boolean> {
  for (const path of files.keys()) checkPath(path);
  await mkdir(root, { recursive: true, mode: 0o755 });
  const link = join(root, '..data');
  const current = await readlink(link).catch(() => undefined);
  if (current && (await holds(join(root, current), files))) return false;
  const name = `..${new Date().toISOString().replace(/[-:T]/g, '_').slice(0, 19)}.${randomUUID().slice(0, 8)}`;
  await fill(join(root, name), files, gid);
  await rm(`${link}_tmp`, { force: true });
  await symlink(name, `${link}_tmp`);
  await rename(`${link}_tmp`, link);
  await linkTopLevel(root, files);
  if (current) await rm(join(root, current), { recursive: true, force: true });
  return true;
}

function checkPath(path: string): void {
  const parts = path.split('/');
  if (path.startsWith('/') || parts.some((part) => part === '..' || part === '') || parts[0]!.startsWith('..'))
    throw new Error(`invalid path ${JSON.stringify(path)}: must stay within the volume`);
}

async function fill(dir: string, files: VolumeFiles, gid: number | undefined): Promise<void> {
  await mkdir(dir, { mode: 0o755 });
  await chmod(dir, 0o755);
  const made = new Set([dir]);
  for (const [path, { content, mode }] of files) {
    const target = join(dir, path);
    if (!made.has(dirname(target))) await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    made.add(dirname(target));
    await writeFile(target, content, { mode });
    await chmod(target, gid === undefined ? mode : mode | 0o440);
    if (gid !== undefined) await chown(target, -1, gid);
  }
}

async function holds(dir: string, files: VolumeFiles): Promise<boolean> {
  const present = await listFiles(dir);
  if (present.length !== files.size) return false;
  for (const path of present) {
    const wanted = files.get(path);
    if (!wanted) return false;
    const target = join(dir, path);
    if (((await stat(target)).mode & 0o777 & ~0o440) !== (wanted.mode & 0o777 & ~0o440)) return false;
    if (!(await readFile(target)).equals(wanted.content)) return false;
  }
  return true;
}

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
}

/** `key` → `..data/key` for every name at the top; names that went are removed. */
async function linkTopLevel(root: string, files: VolumeFiles): Promise<void> {
  const wanted = new Set([...files.keys()].map((path) => path.split('/')[0]!));
  const present = new Set((await readdir(root)).filter((name) => !name.startsWith('..')));
  for (const name of wanted) if (!present.has(name)) await symlink(join('..data', name), join(root, name));
  for (const name of present) if (!wanted.has(name)) await rm(join(root, name), { recursive: true, force: true });
}
