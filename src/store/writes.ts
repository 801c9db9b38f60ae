import type { Write } from './store.ts';

/** A commit has one revision, and a key has one value at a revision. */
export function refuseRepeatedKeys(writes: readonly Write[]): void {
  if (writes.length < 2) return;
  const keys = new Set<string>();
  for (const { key } of writes) {
    if (keys.has(key)) throw new Error(`key ${key} is written twice in one commit`);
    keys.add(key);
  }
}
