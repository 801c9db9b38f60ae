import type { Entry } from './entry.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One change. `current` is absent for deletions, `previous` for creations. */
export interface CacheEvent {
  readonly revision: number;
  readonly current: Entry | undefined;
  readonly previous: Entry | undefined;
  /** The last state, stamped with the revision of the change: what watchers get that no longer match. */
  readonly gone: () => Entry;
  /** Encoded forms by format, shared by all watchers. */
  readonly frames: Map<string, Buffer>;
}
