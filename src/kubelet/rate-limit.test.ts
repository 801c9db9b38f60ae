import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../base/clock-fake.ts';
import { createRateLimit } from './rate-limit.ts';

test('a rate lets a burst go at once, and the others at their time', async () => {
  const clock = new FakeClock();
  const limit = createRateLimit({ perSecond: 2, burst: 3 }, clock);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => limit.tryTake()),
    [true, true, true, false],
  );
  let turns = 0;
  const { signal } = new AbortController();
  for (const turn of [limit.take(signal), limit.take(signal)]) void turn.then(() => turns++);
  await clock.advance(500);
  assert.equal(turns, 1);
  await clock.advance(500);
  assert.equal(turns, 2);
});

test('a rate of zero is none', () => {
  const limit = createRateLimit({ perSecond: 0, burst: 1 }, new FakeClock());
  assert.ok(Array.from({ length: 100 }, () => limit.tryTake()).every(Boolean));
});
