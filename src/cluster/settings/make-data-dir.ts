// Folders of a cluster, or one line that says why they cannot be.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { exitCodes, UserFailure } from '../failure.ts';

/** Makes `folder` and what is missing above it, for the owner only. Level by level: Node's own recursive mkdir never returns under /proc. */
export function makeDataDir(folder: string): void {
  const missing: string[] = [];
  for (let path = folder; !existsSync(path) && dirname(path) !== path; path = dirname(path)) missing.push(path);
  for (const path of missing.reverse()) {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      throw new UserFailure(
        exitCodes.permission,
        'E_DATA_DIR',
        `${path} cannot be made (${code})`,
        'name a folder on a disk of yours: coracle up --data-dir FOLDER',
      );
    }
  }
}
