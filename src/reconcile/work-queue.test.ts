import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeClock } from '../base/clock-fake.ts';
import { WorkQueue } from './work-queue.ts';

function newQueue() {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock }) };
}

test('a work queue hands out a key once, however often it was added', async () => {
  const { queue } = newQueue();
  for (let time = 0; time < 3; time++) queue.add('a');
  assert.equal(await queue.take(), 'a');
  assert.equal(queue.length, 0);
});

test('a work queue keeps a key that is in work until it is done', async () => {
  const { queue } = newQueue();
  queue.add('a');
  const key = await queue.take();
  queue.add('a');
  assert.equal(queue.length, 0);
  queue.done(key!);
  assert.equal(await queue.take(), 'a');
});

test('a work queue hands a key straight to a worker that waits', async () => {
  const { queue } = newQueue();
  const waiting = queue.take();
  queue.add('a');
  assert.equal(await waiting, 'a');
});

test('a work queue adds a delayed key at the earliest of its times, once', async () => {
  const { clock, queue } = newQueue();
  queue.addAfter('a', 1000);
  queue.addAfter('a', 100);
  queue.addAfter('b', 50);
  queue.addAfter('a', 500);
  await clock.advance(99);
  assert.equal(queue.length, 1);
  assert.equal(await queue.take(), 'b');
  await clock.advance(1);
  assert.equal(await queue.take(), 'a');
  queue.done('a');
  await clock.advance(2000);
  assert.equal(queue.length, 0);
});

test('a work queue doubles the delay of a key that fails, and forgets on success', async () => {
  const { clock, queue } = newQueue();
  for (const delayMs of [5, 10, 20, 40]) {
    queue.addRateLimited('a');
    await clock.advance(delayMs - 1);
    assert.equal(queue.length, 0);
    await clock.advance(1);
    assert.equal(await queue.take(), 'a');
    queue.done('a');
  }
  queue.forget('a');
  queue.addRateLimited('a');
  await clock.advance(5);
  assert.equal(queue.length, 1);
});

test('a closed work queue lets its workers go', async () => {
  const { queue } = newQueue();
  const waiting = queue.take();
  queue.close();
  assert.equal(await waiting, undefined);
  queue.add('a');
  assert.equal(await queue.take(), undefined);
});

test('a work queue with many deadlines fires them in order', async () => {
  const { clock, queue } = newQueue();
  const delays = Array.from({ length: 200 }, (_, index) => ((index * 7919) % 1000) + 1);
  for (const [index, delayMs] of delays.entries()) queue.addAfter(`k${index}`, delayMs);
  await clock.advance(2000);
  const taken: number[] = [];
  while (queue.length > 0) taken.push(delays[Number((await queue.take())!.slice(1))]!);
  assert.deepEqual(
    taken,
    [...taken].sort((a, b) => a - b),
  );
  assert.equal(taken.length, 200);
});
