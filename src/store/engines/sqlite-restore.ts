// A new store file out of a snapshot.
import { renameSync, rmSync } from 'node:fs';
import { readSnapshot, type SnapshotSummary, verifySnapshot } from '../snapshot.ts';
import type { StoredValue } from '../store.ts';
import { LogTable } from './sqlite-table.ts';

/**
 * How far the revision jumps: beyond all that the old store can have reached since the snapshot, so that no client takes
 * something new for what it has seen already.
 */
export const revisionJump = 1_000_000_000;

const batchRows = 10_000;

export interface Restored extends SnapshotSummary {
  /** The store goes on from here; what is older is compacted. */
  readonly newRevision: number;
}

/** Makes `file` hold what the snapshot does, replacing what is there. @throws SnapshotError and leaves `file` alone */
export async function restoreSqlite(snapshot: string, file: string): Promise<Restored> {
  const summary = await verifySnapshot(snapshot);
  const newRevision = summary.revision + revisionJump;
  const draft = `${file}.restore`;
  const remove = (path: string) => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  };
  remove(draft);
  const table = new LogTable({ file: draft, cacheKilobytes: 8192, maxBytes: 64 * 2 ** 30 });
  try {
    let batch: StoredValue[] = [];
    const next = new Map<number, number>();
    for await (const item of readSnapshot(snapshot)) {
      batch.push(item);
      if (batch.length < batchRows) continue;
      table.load(batch, next);
      batch = [];
    }
    table.load(batch, next);
    table.finishLoad(newRevision);
  } catch (error) {
    table.close();
    remove(draft);
    throw error;
  }
  table.close(); // folds the write-ahead log into the file
  remove(file);
  renameSync(draft, file);
  return { ...summary, newRevision };
}
