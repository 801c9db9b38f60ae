// Forgets history older than a few minutes, by itself. Time is known only as the revisions that were seen pass.
import { type Clock, every } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from './store.ts';

export interface CompactorOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** How much history a client may ask for; default 5 minutes, as upstream. 0: all of it, for ever. */
  readonly keepMs?: number;
}

export function createCompactor({ store, clock, log, keepMs = 5 * 60_000 }: CompactorOptions): Component {
  const intervalMs = keepMs / 5;
  return {
    name: 'store-compactor',
    async run(signal) {
      if (keepMs === 0) return;
      /** The revision at each of the last ticks; the first is the oldest that is kept. */
      const seen = [store.revision];
      for await (const _ of every(clock, intervalMs, signal)) {
        seen.push(store.revision);
        if (seen.length <= keepMs / intervalMs) continue;
        const revision = seen.shift()!;
        try {
          if (store.claimCompaction && !(await store.claimCompaction(revision))) continue;
          await store.compact(revision);
        } catch (error) {
          log.error('compaction failed', error, { revision });
        }
      }
    },
  };
}
