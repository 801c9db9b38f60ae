// When the watch on the store has a gap, the caches are brought to what is there now, and their watchers begin again: what
// happened in between can not be told any more.
import type { Store, StoredValue } from '../../store/store.ts';
import type { ResourceCache } from './resource-cache.ts';
import { prefixOfKey, registryRoot, type StoragePrefix } from './storage-key.ts';

export async function reloadCaches(
  store: Store,
  cacheOf: (prefix: StoragePrefix) => ResourceCache,
  known: ReadonlyMap<StoragePrefix, ResourceCache>,
  advance: (revision: number) => void,
): Promise<void> {
  const { items, revision } = await store.range({ prefix: registryRoot });
  const found = new Map<StoragePrefix, Map<string, StoredValue>>();
  for (const prefix of known.keys()) found.set(prefix, new Map());
  for (const item of items) {
    const prefix = prefixOfKey(item.key);
    if (!prefix) continue;
    const values = found.get(prefix);
    if (values) values.set(item.key, item);
    else found.set(prefix, new Map([[item.key, item]]));
  }
  for (const [prefix, values] of found) bring(cacheOf(prefix), values, revision);
  advance(revision);
}

function bring(cache: ResourceCache, values: ReadonlyMap<string, StoredValue>, revision: number): void {
  const had = new Map(cache.list().map((entry) => [entry.key, entry.revision]));
  const changed = [...values.values()].filter(({ key, modRevision }) => had.get(key) !== modRevision);
  for (const { key, value, modRevision } of changed.sort((a, b) => a.modRevision - b.modRevision)) {
    cache.apply({ type: 'put', key, value, revision: modRevision });
  }
  for (const key of had.keys()) if (!values.has(key)) cache.apply({ type: 'delete', key, revision });
  cache.endWatches();
  cache.flush();
  cache.forgetUpTo(revision);
  cache.startWindow(revision);
}
