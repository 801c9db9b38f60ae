// Files that must be there again when the power fails right after they were written.
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whole or not at all, and on the disk when this returns. The draft beside it is for nobody else to name so. */
export function writeDurably(path: string, text: string, mode = 0o600): void {
  const draft = `${path}.coracle-new`;
  const file = openSync(draft, 'w', mode);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  // The new name is the folder's to remember.
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
