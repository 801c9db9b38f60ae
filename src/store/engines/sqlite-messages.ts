// What the SQLite engine's two halves say to each other. Values travel in one transferred buffer a message: cloning a
// view would copy the whole buffer below it.
import type { StoredValue } from '../store.ts';

/** Commits in one message. Flat lists: cloning many small objects costs more than the writes themselves. */
export interface CommitGroup {
  /** Number of writes of each commit. */
  readonly counts: number[];
  readonly keys: string[];
  /** Expected revision of each write; -1: none. */
  readonly conditions: number[];
  /** Length of each value in `data`; -1: a deletion. */
  readonly lengths: number[];
  readonly data: Uint8Array<ArrayBuffer>;
}

/** What stands in a commit's place that was not made: a compare failed; the store is full. */
export const outcomes = { lost: -1, full: -2 } as const;

export interface GroupOutcome {
  /** The newest revision after the group. */
  readonly revision: number;
  /** Revision of each commit, or one of `outcomes`. */
  readonly revisions: number[];
  /** For each write: length of the value it replaced in `data`; -1: there was none; -2: nothing was written. */
  readonly previous: number[];
  readonly data: Uint8Array<ArrayBuffer>;
  /** By position of the commit. */
  readonly failures: Map<number, { key: string; current: StoredValue | undefined }>;
}

export type Query =
  | { readonly type: 'get'; readonly key: string; readonly revision: number }
  | {
      readonly type: 'range';
      readonly prefix: string;
      readonly after: string;
      readonly limit: number;
      readonly revision: number;
      readonly isCounted: boolean;
    }
  | { readonly type: 'log'; readonly prefix: string; readonly from: number }
  | { readonly type: 'compact'; readonly revision: number }
  | { readonly type: 'sweep' }
  | { readonly type: 'size' }
  | { readonly type: 'close' };

export type ToWorker =
  | { readonly type: 'commit'; readonly group: CommitGroup }
  | { readonly id: number; readonly query: Query };

export type StoreFailure =
  | { readonly type: 'compacted'; readonly revision: number }
  | { readonly type: 'future'; readonly revision: number }
  | { readonly type: 'other'; readonly message: string };

export type FromWorker =
  | { readonly type: 'opened'; readonly revision: number; readonly compacted: number; readonly isSwept: boolean }
  | { readonly type: 'committed'; readonly outcome: GroupOutcome }
  /** The group was rolled back: the disk is full. */
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly failure: StoreFailure }
  /** The disk may hold something else than what it was told: nobody may go on. */
  | { readonly type: 'fatal'; readonly message: string };

/** Joins values into one buffer of its own. */
export function joinValues(values: readonly (Uint8Array | undefined)[]): Uint8Array<ArrayBuffer> {
  let total = 0;
  for (const value of values) total += value?.byteLength ?? 0;
  const joined = new Uint8Array(new ArrayBuffer(total));
  let at = 0;
  for (const value of values) {
    if (!value) continue;
    joined.set(value, at);
    at += value.byteLength;
  }
  return joined;
}
