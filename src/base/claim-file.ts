// Small files under /run by which a cluster says that something of the machine is its own. Each names a place that is
// there for as long as the cluster is, so that what was cleared by hand holds nothing for ever.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Whose it is: the path that was written. Undefined where nobody has it. */
export function ownerOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** @returns false where somebody has it already, and `isNew` was asked for */
export function writeClaim(file: string, owner: string, { isNew = false } = {}): boolean {
  try {
    writeFileSync(file, `${owner}\n`, { flag: isNew ? 'wx' : 'w' });
    return true;
  } catch (error) {
    if (isNew && (error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Somebody had it who is gone. Those who did not say who they are stay. */
export function isAbandoned(file: string, placeOf: (owner: string) => string = (owner) => owner): boolean {
  const owner = ownerOf(file);
  return owner !== undefined && owner !== '' && !existsSync(placeOf(owner));
}
