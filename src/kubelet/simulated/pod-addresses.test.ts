import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../base/clock-fake.ts';
import { PodAddresses } from './pod-addresses.ts';

test('each node gives the addresses of its range in turn, each to one pod at a time', async () => {
  const ranges = new Map([
    ['a', '10.1.0.0/29'],
    ['b', '10.1.0.8/29'],
  ]);
  const addresses = new PodAddresses(new FakeClock(), async (node) => ranges.get(node));
  const take = (node: string, count: number) => Promise.all(Array.from({ length: count }, () => addresses.take(node)));
  assert.deepEqual(await take('a', 5), ['10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6']);
  await assert.rejects(addresses.take('a'), /no IP addresses available in the range of node a/);
  assert.deepEqual(await take('b', 1), ['10.1.0.10']);
  addresses.give('10.1.0.4');
  addresses.give('10.1.0.4');
  assert.deepEqual(await take('a', 1), ['10.1.0.4']);
});

test('a node without a range takes from a common one until it has its own', async () => {
  const clock = new FakeClock();
  let range: string | undefined;
  const addresses = new PodAddresses(clock, async () => range);
  assert.match(await addresses.take('a'), /^100\.64\./);
  range = '10.1.0.0/29';
  assert.match(await addresses.take('a'), /^100\.64\./, 'it is not asked each time');
  await clock.advance(60_000);
  assert.equal(await addresses.take('a'), '10.1.0.2');
});
