import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../base/clock-fake.ts';
import { viewOf } from './pod-view.ts';
import { SchedulingQueue } from './queue.ts';

const aView = (name: string, priority = 0) =>
  viewOf({ metadata: { name, namespace: 'default' }, spec: { priority, containers: [{ name: 'c' }] } });

test('the queue gives the highest priority first, then the oldest', () => {
  using queue = new SchedulingQueue(new FakeClock());
  for (const view of [aView('first'), aView('second'), aView('urgent', 9)]) queue.add(view);
  assert.deepEqual(
    [queue.take()?.key, queue.take()?.key, queue.take()?.key],
    ['default/urgent', 'default/first', 'default/second'],
  );
});

test('a pod that fits nowhere comes back when the world changed and its back-off is over', async () => {
  const clock = new FakeClock();
  using queue = new SchedulingQueue(clock);
  queue.add(aView('p'));
  queue.take();
  queue.putBack('default/p', { wokenBy: ['pod-gone'] });
  await clock.advance(60_000);
  assert.equal(queue.take(), undefined, 'nothing changed');
  queue.worldChanged('pod-gone');
  assert.equal(queue.take()?.key, 'default/p');
  queue.putBack('default/p', { wokenBy: ['pod-gone'] });
  queue.worldChanged('pod-gone');
  assert.equal(queue.take(), undefined, 'in back-off');
  await clock.advance(2000);
  assert.equal(queue.take()?.key, 'default/p');
});

test('a change during the look brings the pod back after its back-off', async () => {
  const clock = new FakeClock();
  using queue = new SchedulingQueue(clock);
  queue.add(aView('p'));
  queue.take();
  queue.worldChanged('pod-gone');
  queue.putBack('default/p', { wokenBy: ['pod-gone'] });
  await clock.advance(1000);
  assert.equal(queue.take()?.key, 'default/p');
});

test('a pod that is gone is not given out', () => {
  using queue = new SchedulingQueue(new FakeClock());
  queue.add(aView('p'));
  queue.remove('default/p');
  assert.equal(queue.take(), undefined);
  assert.equal(queue.length, 0);
});

test('a change wakes only the pods that it may help', () => {
  using queue = new SchedulingQueue(new FakeClock());
  for (const name of ['near', 'big']) queue.add(aView(name));
  const [near, big] = [queue.take()!.key, queue.take()!.key];
  queue.putBack(near, { wokenBy: ['pod-placed'] });
  queue.putBack(big, { wokenBy: ['pod-gone', 'node-room'] });
  queue.worldChanged('node-labels');
  assert.equal(queue.take(), undefined);
});

test('a pod that nothing helps is looked at again after five minutes', async () => {
  const clock = new FakeClock();
  using queue = new SchedulingQueue(clock);
  queue.add(aView('p'));
  queue.take();
  queue.putBack('default/p', { wokenBy: ['volumes'] });
  await clock.advance(299_000);
  assert.equal(queue.take(), undefined);
  await clock.advance(1000);
  assert.equal(queue.take()?.key, 'default/p');
});
