import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../base/clock-fake.ts';
import { silentLogger } from '../base/log.ts';
import { NotLeadingError } from '../client/leading-transport.ts';
import { runController } from './run-controller.ts';
import { WorkQueue } from './work-queue.ts';

test('a lease that was lost for a moment leaves no long waits behind', async () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock });
  const stopping = new AbortController();
  let isHeld = false;
  const done: string[] = [];
  const controller = {
    name: 'test',
    async reconcile(key: string) {
      if (!isHeld) throw new NotLeadingError();
      done.push(key);
    },
  };
  const running = runController(controller, queue, silentLogger, stopping.signal);
  // Each event of a busy moment is another attempt.
  for (let event = 0; event < 50; event++) {
    queue.add('a');
    await clock.settle();
  }
  assert.deepEqual(done, []);
  isHeld = true;
  await clock.advance(1_000);
  assert.deepEqual(done, ['a']);
  stopping.abort();
  await running;
});
