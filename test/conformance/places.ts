// Where the suite's programs, images and results are kept: outside the repository.
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const base = process.env['CORACLE_CONFORMANCE_DIR'] ?? join(cache, 'coracle/conformance');

export const repository = join(import.meta.dirname, '../..');

/** Folders, made when they are first asked for. */
export const places = {
  /** Programs built from Go modules and Debian's sources. */
  get programs() {
    return folder('programs');
  },
  /** Archives that are loaded and served. */
  get images() {
    return folder('images');
  },
  /** Debian packages, scratch folders. */
  get kitchen() {
    return folder('kitchen');
  },
  /** A folder a run: JUnit, logs. */
  get results() {
    return folder('results');
  },
};

function folder(name: string): string {
  const path = join(base, name);
  mkdirSync(path, { recursive: true });
  return path;
}
