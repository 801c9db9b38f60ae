import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../base/clock-fake.ts';
import { silentLogger } from '../base/log.ts';
import { createCompactor } from './compactor.ts';
import { openMemoryStore } from './engines/memory.ts';

test('the compactor keeps five minutes of history', async () => {
  const clock = new FakeClock();
  await using store = openMemoryStore();
  const stop = new AbortController();
  const running = createCompactor({ store, clock, log: silentLogger }).run(stop.signal);
  const compacted: number[] = [];
  for (let minute = 1; minute <= 8; minute++) {
    await store.commit([{ key: '/a', value: new Uint8Array([minute]) }]);
    await clock.advance(60_000);
    compacted.push(store.compactedRevision);
  }
  stop.abort();
  await running;
  assert.deepEqual(compacted, [0, 0, 0, 0, 1, 2, 3, 4]);
});
