// Where what `make csi` builds is kept: outside the repository.
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');

export const repository = join(import.meta.dirname, '../..');

/** A folder of the cache, made when it is missing. */
export function place(name: 'programs' | 'images' | 'kitchen'): string {
  const path = join(cache, 'coracle/csi', name);
  mkdirSync(path, { recursive: true });
  return path;
}
