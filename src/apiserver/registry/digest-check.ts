// Goes round the store for ever, some keys at a time, and compares what it has with what the caches show. They are fed by one
// watch: should that ever lose a change, this says so.
import { type Clock, every } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store, StoredValue } from '../../store/store.ts';
import type { CacheHub } from './cache-hub.ts';
import type { Entry } from './entry.ts';
import { prefixOfKey, registryRoot } from './storage-key.ts';

const everyMs = 10_000;
const keysPerRound = 500;

export interface DigestCheckOptions {
  readonly store: Store;
  readonly hub: CacheHub;
  readonly clock: Clock;
  readonly log: Logger;
}

export async function checkDigest({ store, hub, clock, log }: DigestCheckOptions, signal: AbortSignal): Promise<void> {
  let after = registryRoot;
  for await (const _ of every(clock, everyMs, signal)) {
    try {
      const { revision } = hub;
      const limit = keysPerRound;
      const page = await store.range({ prefix: registryRoot, after, limit, revision, skipsCount: true });
      for (const item of page.items) {
        const problem = differenceAt(hub, item, revision);
        if (problem) log.error('a cache differs from the store', new Error(problem), { key: item.key, revision });
      }
      after = page.items.length === limit ? page.items.at(-1)!.key : registryRoot;
    } catch (error) {
      after = registryRoot;
      if (!signal.aborted) log.debug('the caches were not compared with the store', { error: String(error) });
    }
  }
}

/** Neither ever changes: a store in memory, which gives the same bytes each time, has them compared once. */
const comparedWith = new WeakMap<Uint8Array, Entry>();

/** What the cache shows now, held against what was stored at a revision that it had reached. */
export function differenceAt(hub: CacheHub, item: StoredValue, revision: number): string | undefined {
  const prefix = prefixOfKey(item.key);
  if (!prefix) return undefined;
  const cache = hub.cache(prefix);
  const slash = item.key.indexOf('/', prefix.length);
  const namespace = slash < 0 ? '' : item.key.slice(prefix.length, slash);
  const entry = cache.find(namespace, item.key.slice(slash < 0 ? prefix.length : slash + 1));
  if (!entry) return cache.lastChange > revision ? undefined : 'it is not in the cache';
  if (entry.revision > revision) return undefined;
  if (entry.revision !== item.modRevision)
    return `the cache has it at revision ${entry.revision}, not ${item.modRevision}`;
  if (comparedWith.get(item.value) === entry) return undefined;
  if (!entry.isStoredAs(item.value)) return 'the cache has other bytes';
  comparedWith.set(item.value, entry);
  return undefined;
}
