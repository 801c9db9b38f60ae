import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { openMemoryStore } from '../../store/engines/memory.ts';
import { CacheHub } from './cache-hub.ts';
import { differenceAt } from './digest-check.ts';

const key = '/registry/core/configmaps/default/a';
const value = Buffer.from('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default"}}');

test('a cache that lost a change is noticed, one that went on meanwhile is not', async () => {
  await using store = openMemoryStore();
  await store.commit([{ key, value }]);
  const hub = new CacheHub(store, silentLogger, systemClock);
  await hub.load();
  const stored = (await store.get(key))!;
  assert.equal(differenceAt(hub, stored, 2), undefined);
  assert.equal(differenceAt(hub, { ...stored, modRevision: 3 }, 4), 'the cache has it at revision 2, not 3');
  assert.equal(differenceAt(hub, { ...stored, value: Buffer.from('{}') }, 2), 'the cache has other bytes');
  for (const other of [`x${value.subarray(1)}`, `${value.subarray(0, -1)}x`])
    assert.equal(differenceAt(hub, { ...stored, value: Buffer.from(other) }, 2), 'the cache has other bytes');
  assert.equal(differenceAt(hub, { ...stored, key: `${key}b` }, 2), 'it is not in the cache');
  assert.equal(differenceAt(hub, { ...stored, modRevision: 1 }, 1), undefined);
});
