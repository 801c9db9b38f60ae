// The store is etcd's model: one global revision, compare on the revision that last changed a key, watch from a
// revision, compaction. It knows keys and bytes, never kinds. Every engine passes contract.ts.

export interface StoredValue {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the write that made this value. */
  readonly modRevision: number;
  /** Revision at which the key came to be. */
  readonly createRevision: number;
}

export interface RangeOptions {
  /** Every key that starts with this. End it with a separator. */
  readonly prefix: string;
  /** Only keys greater than this one: the continuation of a page. */
  readonly after?: string;
  /** 0 or absent: no limit. */
  readonly limit?: number;
  /** Read as of this revision. Absent: the latest. */
  readonly revision?: number;
  /** Counting what follows a page may cost as much as reading it: `remaining` need not be right then. */
  readonly skipsCount?: boolean;
}

export interface RangeResult {
  readonly items: StoredValue[];
  /** The revision the range was read at. */
  readonly revision: number;
  /** Keys under the prefix that follow the last item; 0 when the range is complete. */
  readonly remaining: number;
}

export interface Write {
  readonly key: string;
  /** Absent: delete the key. */
  readonly value?: Uint8Array;
  /** The write happens only while the key's modRevision is this (0: the key must not exist). Absent: always. */
  readonly ifRevision?: number;
  /** The key goes by itself after this time, in engines that say `expiresKeys`; others ignore it. */
  readonly ttlSeconds?: number;
}

export interface StoreEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly revision: number;
  /** The new value; absent for deletions. */
  readonly value?: Uint8Array;
  /** What was there before; absent when the put created the key. */
  readonly previous?: Uint8Array;
}

export interface WatchOptions {
  readonly prefix: string;
  /** First revision to deliver. Absent: what comes after now. */
  readonly fromRevision?: number;
  /** Called with a revision up to which everything has been handed over, also when there was nothing to hand over. */
  readonly onProgress?: (revision: number) => void;
  readonly signal: AbortSignal;
}

/** The compare of a write failed; `current` is what is there (absent: nothing). */
export class CompareFailedError extends Error {
  readonly current: StoredValue | undefined;
  constructor(key: string, current: StoredValue | undefined) {
    super(`compare failed on ${key}`);
    this.name = 'CompareFailedError';
    this.current = current;
  }
}

/** The revision asked for is older than `compactedRevision`. */
export class CompactedError extends Error {
  readonly compactedRevision: number;
  constructor(compactedRevision: number) {
    super(`required revision has been compacted (oldest is ${compactedRevision})`);
    this.name = 'CompactedError';
    this.compactedRevision = compactedRevision;
  }
}

/** The revision asked for has not happened yet. */
export class FutureRevisionError extends Error {
  readonly currentRevision: number;
  constructor(currentRevision: number) {
    super(`required revision is a future revision (current is ${currentRevision})`);
    this.name = 'FutureRevisionError';
    this.currentRevision = currentRevision;
  }
}

/** More writes are waiting for the disk than the store holds: try again later. */
export class OverloadedError extends Error {
  constructor() {
    super('too many writes are waiting for the store');
    this.name = 'OverloadedError';
  }
}

/** The store has reached its quota: only deletions are taken, until compaction has made room. */
export class NoSpaceError extends Error {
  constructor(options?: ErrorOptions) {
    super('etcdserver: mvcc: database space exceeded', options);
    this.name = 'NoSpaceError';
  }
}

/** The store could not be reached, or did not answer in time. A write may or may not have happened. */
export class UnavailableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnavailableError';
  }
}

export interface Store extends AsyncDisposable {
  /** The newest revision whose events have been handed to watchers. Starts at 1 in an empty store. */
  readonly revision: number;
  readonly compactedRevision: number;
  get(key: string, revision?: number): Promise<StoredValue | undefined>;
  /** `revision` of the store is no less than that of the result by then: a watch may begin after it. */
  range(options: RangeOptions): Promise<RangeResult>;
  /**
   * Commits all writes or none, at one new revision, and settles when they are on disk. Watchers have been handed the
   * events by then, so a write is visible to the caches before its writer is told.
   * @throws CompareFailedError
   */
  commit(writes: readonly Write[]): Promise<{ revision: number }>;
  /**
   * Batches of events in revision order, without gap or duplicate; ends with the signal. Events of one revision are
   * never split over two batches.
   * @throws CompactedError when fromRevision is compacted, at the start or because the reader fell too far behind.
   */
  watch(options: WatchOptions): AsyncIterable<readonly StoreEvent[]>;
  /** Forgets the history before `revision`; the latest values stay. */
  compact(revision: number): Promise<void>;
  /** Bytes on disk (or in memory). */
  sizeBytes(): Promise<number>;
  /** What sizeBytes() said last. */
  readonly lastSizeBytes?: number | undefined;
  /** Why it can not be reached just now. */
  readonly problem?: string | undefined;
  /** Where writes are refused. Absent: no limit that is known here. */
  readonly quotaBytes?: number | undefined;
  /**
   * The newest revision that anybody was acknowledged, when others write to the same store. Absent: all writes go through
   * this process, and `revision` is it.
   */
  readonly head?: (() => Promise<number>) | undefined;
  /** Writes with `ttlSeconds` end by themselves. */
  readonly expiresKeys?: boolean;
  /** The value should be written again though nothing of it changed. Absent: never. */
  readonly isStale?: ((key: string) => Promise<boolean>) | undefined;
  /** Of several servers on one store one compacts: whether it is this one's turn to, to `revision`. Absent: always. */
  readonly claimCompaction?: ((revision: number) => Promise<boolean>) | undefined;
}
