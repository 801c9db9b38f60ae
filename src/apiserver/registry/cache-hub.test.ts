import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../base/clock-fake.ts';
import { silentLogger } from '../../base/log.ts';
import { openMemoryStore } from '../../store/engines/memory.ts';
import { CompactedError, type Store, UnavailableError } from '../../store/store.ts';
import { CacheHub } from './cache-hub.ts';

test('a store that is away while everything is read again is asked again', async () => {
  await using store = openMemoryStore();
  const key = '/registry/core/configmaps/default/a';
  const value = Buffer.from('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default"}}');
  const clock = new FakeClock();
  let refusals = 0;
  const flaky = new Proxy<Store>(store, {
    get(target, name) {
      if (name === 'watch' && refusals === 0) {
        refusals = 3;
        return () => {
          throw new CompactedError(1);
        };
      }
      if (name === 'range' && refusals > 1) {
        refusals--;
        return () => Promise.reject(new UnavailableError('away'));
      }
      const found = Reflect.get(target, name, target);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
  const hub = new CacheHub(flaky, silentLogger, clock);
  await hub.load();
  const stop = new AbortController();
  const following = hub.follow(stop.signal);
  const { revision } = await store.commit([{ key, value }]);
  const arrived = hub.waitFor(revision);
  for (let second = 0; second < 3; second++) await clock.advance(1000);
  await arrived;
  assert.equal(refusals, 1);
  stop.abort();
  await following;
});
