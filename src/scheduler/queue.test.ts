import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../base/clock-fake.ts';
import type { Filter, WorldChange } from './plugin.ts';
import { viewOf } from './pod-view.ts';
import { type Helps, SchedulingQueue } from './queue.ts';

const aView = (name: string, priority = 0) =>
  viewOf({ metadata: { name, namespace: 'default' }, spec: { priority, containers: [{ name: 'c' }] } });

const wokenBy = (...changes: WorldChange[]): Filter => ({
  name: changes.join(),
  wokenBy: changes,
  prepare: () => undefined,
});

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
  queue.putBack('default/p', { refusedBy: [wokenBy('pod-gone')] });
  await clock.advance(60_000);
  assert.equal(queue.take(), undefined, 'nothing changed');
  queue.worldChanged({ type: 'pod-gone' });
  assert.equal(queue.take()?.key, 'default/p');
  queue.putBack('default/p', { refusedBy: [wokenBy('pod-gone')] });
  queue.worldChanged({ type: 'pod-gone' });
  queue.add(aView('other'));
  assert.equal(queue.take()?.key, 'default/other', 'p is in back-off');
  await clock.advance(2000);
  assert.equal(queue.take()?.key, 'default/p');
});

test('a pod in back-off is taken when nobody else waits, unless it failed', () => {
  using queue = new SchedulingQueue(new FakeClock());
  queue.add(aView('refused'));
  queue.take();
  queue.putBack('default/refused', { refusedBy: [wokenBy('pod-gone')] });
  queue.add(aView('failed'));
  queue.take();
  queue.putBack('default/failed', { isRetry: true });
  queue.worldChanged({ type: 'pod-gone' });
  assert.equal(queue.take()?.key, 'default/refused');
  assert.equal(queue.take(), undefined);
});

test('plugins are asked once for all pods of a shape whether a change helps', () => {
  const asked: string[] = [];
  using queue = new SchedulingQueue(new FakeClock(), (_filter, { key }, { pod }) => {
    asked.push(key);
    return pod?.key === 'default/near';
  });
  for (const name of ['one', 'two']) {
    queue.add(aView(name));
    queue.putBack(queue.take()!.key, { refusedBy: [wokenBy('pod-placed')] });
  }
  queue.worldChanged({ type: 'pod-placed', pod: aView('far') });
  assert.equal(queue.take(), undefined);
  queue.worldChanged({ type: 'pod-placed', pod: aView('near') });
  assert.deepEqual([queue.take()?.key, queue.take()?.key], ['default/one', 'default/two']);
  assert.deepEqual(asked, ['default/one', 'default/one']);
});

test('a change during the look brings the pod back after its back-off', async () => {
  const clock = new FakeClock();
  using queue = new SchedulingQueue(clock);
  queue.add(aView('p'));
  queue.take();
  queue.worldChanged({ type: 'pod-gone' });
  queue.putBack('default/p', { refusedBy: [wokenBy('pod-gone')] });
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
  queue.putBack(near, { refusedBy: [wokenBy('pod-placed')] });
  queue.putBack(big, { refusedBy: [wokenBy('pod-gone', 'node-room')] });
  queue.worldChanged({ type: 'node-labels' });
  assert.equal(queue.take(), undefined);
});

test('a pod that nothing helps is looked at again after five minutes', async () => {
  const clock = new FakeClock();
  using queue = new SchedulingQueue(clock);
  queue.add(aView('p'));
  queue.take();
  queue.putBack('default/p', { refusedBy: [wokenBy('volumes')] });
  await clock.advance(299_000);
  assert.equal(queue.take(), undefined);
  await clock.advance(1000);
  assert.equal(queue.take()?.key, 'default/p');
});

test('pods with other claims are asked about for themselves where the plugin goes by claims', () => {
  const withClaim = (name: string, claimName: string) =>
    viewOf({
      metadata: { name, namespace: 'ns' },
      spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
    });
  const isOfClaim: Helps = (_filter, { volumes }, { stored }) =>
    stored?.kind === 'claim' && volumes.claims.some(({ key }) => key === stored.key);
  using queue = new SchedulingQueue(new FakeClock(), isOfClaim);
  const filter: Filter = { ...wokenBy('volumes'), isOfClaims: true } as Filter;
  for (const view of [withClaim('one', 'a'), withClaim('two', 'b'), withClaim('three', 'b')]) {
    queue.add(view);
    queue.take();
    queue.putBack(view.key, { refusedBy: [filter] });
  }
  queue.worldChanged({ type: 'volumes', stored: { kind: 'claim', key: 'ns/b' } });
  assert.deepEqual([queue.take()?.key, queue.take()?.key, queue.take()], ['ns/two', 'ns/three', undefined]);
});
