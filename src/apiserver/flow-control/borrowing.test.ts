import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allocate } from './allocate.ts';
import { mandatory, suggested } from './bootstrap.ts';
import { lend } from './borrowing.ts';
import { planFlow } from './configuration.ts';
import { RetryAfter } from './retry-after.ts';
import { dealHand } from './shuffle-shard.ts';

const quiet = { average: 0, deviation: 0, highWatermark: 0, smoothed: 0 };

describe('seats', () => {
  test('are planned as upstream plans them for 600', () => {
    const levels = [...mandatory.levels, ...suggested.levels];
    const plan = planFlow([], levels, 600);
    const shown = [...plan.levels.values()].map(({ name, nominal, lower, upper, maxSeats }) => [
      name,
      nominal,
      lower,
      upper,
      maxSeats,
    ]);
    assert.deepEqual(shown, [
      ['catch-all', 13, 13, 613, 100],
      ['exempt', 0, 0, 600, 100],
      ['system', 74, 50, 674, 12],
      ['node-high', 98, 73, 698, 15],
      ['leader-election', 25, 25, 625, 4],
      ['workload-high', 98, 49, 698, 15],
      ['workload-low', 245, 24, 845, 37],
      ['global-default', 49, 24, 649, 8],
    ]);
  });

  test('go to the level that could use them, down to what the others never lend', () => {
    const { levels } = planFlow([], [...mandatory.levels, ...suggested.levels], 600);
    const busy = { average: 500, deviation: 0, highWatermark: 500, smoothed: 500 };
    const { limits } = lend(
      [...levels.values()].map((plan) => ({ plan, demand: plan.name === 'system' ? busy : quiet })),
    );
    const of = (name: string) => limits.get(name)!.limit;
    assert.equal(of('workload-low'), 24);
    assert.equal(of('leader-election'), 25);
    assert.ok(of('system') > 300, `system has ${of('system')}`);
  });

  test('are allotted in proportion, between bounds', () => {
    const { seats } = allocate(100, [
      { lower: 0, upper: 100, target: 1 },
      { lower: 0, upper: 100, target: 3 },
      { lower: 0, upper: 20, target: 4 },
    ]);
    assert.deepEqual(seats.map(Math.round), [20, 60, 20]);
  });
});

test('a hand has distinct cards, and is the same for the same flow', () => {
  const hand = dealHand('schema', 'jane', 128, 6);
  assert.equal(new Set(hand).size, 6);
  assert.ok(hand.every((card) => card >= 0 && card < 128));
  assert.deepEqual(dealHand('schema', 'jane', 128, 6), hand);
  assert.deepEqual(dealHand('schema', 'jane', 4, 4).sort(), [0, 1, 2, 3]);
});

test('clients that keep coming are sent away for longer, and for less once they stop', () => {
  const retry = new RetryAfter();
  for (let second = 0; second < 60; second++)
    for (let count = 0; count < 200; count++) retry.recordRefusal(second * 1000);
  assert.equal(retry.seconds, 32);
  for (let second = 100; second < 2000; second += 40) retry.recordRefusal(second * 1000);
  assert.equal(retry.seconds, 1);
});
