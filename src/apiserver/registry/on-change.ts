// Being told that something in a cache changed, and no more: the listener looks at the cache itself.
import type { ObjectFormat } from './format.ts';
import type { ResourceCache } from './resource-cache.ts';

const nothing = Buffer.alloc(1);

const lookAgain: ObjectFormat = {
  key: 'look again',
  contentType: '',
  watchContentType: '',
  single: () => nothing,
  list: () => ({ chunks: [] }),
  frame: () => nothing,
  bookmark: () => nothing,
  error: () => nothing,
};

/** Calls back in the same turn in which changes reach the cache, once a batch. Dispose to leave. */
export function onChange(cache: ResourceCache, listener: () => void): Disposable {
  const scope = { namespace: '', selectorKey: 'look again', matches: () => true };
  return cache.groups.join(scope, lookAgain, { offer: listener });
}
