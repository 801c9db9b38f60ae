import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HPAScalingRules } from '../../../generated/autoscaling-v2.ts';
import { normalise, type Wish } from './normalise.ts';
import { ScaleHistory } from './scale-history.ts';

const minute = 60_000;

function wish(current: number, desired: number, more: Partial<Wish> = {}): Wish {
  return {
    current,
    desired,
    min: 1,
    max: 100,
    behavior: undefined,
    history: new ScaleHistory(0, 0),
    nowMs: 60 * minute,
    ...more,
  };
}

const rules = (more: Partial<HPAScalingRules>): HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [],
  ...more,
});

test('grows at most to twice the size at once, or to four', () => {
  assert.equal(normalise(wish(1, 50)).replicas, 4);
  const { replicas, isLimited, limited } = normalise(wish(10, 50));
  assert.deepEqual([replicas, isLimited, limited.reason], [20, true, 'ScaleUpLimit']);
  assert.equal(normalise(wish(10, 50, { max: 15 })).limited.reason, 'TooManyReplicas');
  assert.equal(normalise(wish(3, 0, { min: 2 })).limited.reason, 'TooFewReplicas');
});

test('shrinks to the largest size recommended in the last five minutes', () => {
  const history = new ScaleHistory(5, 60 * minute);
  const first = normalise(wish(5, 2, { history, nowMs: 61 * minute }));
  assert.deepEqual([first.replicas, first.ableToScale.reason], [5, 'ScaleDownStabilized']);
  assert.equal(normalise(wish(5, 3, { history, nowMs: 64 * minute })).replicas, 5);
  const later = normalise(wish(5, 2, { history, nowMs: 66 * minute }));
  assert.deepEqual([later.replicas, later.ableToScale.reason], [3, 'ScaleDownStabilized']);
  assert.equal(normalise(wish(3, 2, { history, nowMs: 70 * minute })).replicas, 2);
});

test('keeps to the rates of its policies, counting what was done in their periods', () => {
  const behavior = {
    scaleUp: rules({
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 60 },
        { type: 'Percent', value: 50, periodSeconds: 60 },
      ],
    }),
    scaleDown: rules({
      selectPolicy: 'Min',
      policies: [
        { type: 'Pods', value: 1, periodSeconds: 60 },
        { type: 'Percent', value: 50, periodSeconds: 60 },
      ],
    }),
  };
  const history = new ScaleHistory(4, 0);
  assert.equal(normalise(wish(4, 50, { behavior, history })).replicas, 8);
  history.scaled(4, 8, 60 * minute, behavior.scaleUp);
  const again = normalise(wish(8, 50, { behavior, history, nowMs: 60 * minute + 30_000 }));
  assert.deepEqual([again.replicas, again.limited.reason], [8, 'ScaleUpLimit']);
  assert.equal(normalise(wish(8, 50, { behavior, history, nowMs: 62 * minute })).replicas, 12);
  assert.equal(normalise(wish(8, 1, { behavior, history: new ScaleHistory(8, 0) })).replicas, 7);
});

test('does not go where scaling is disabled', () => {
  const behavior = { scaleUp: rules({ selectPolicy: 'Disabled' }), scaleDown: rules({ selectPolicy: 'Disabled' }) };
  assert.equal(normalise(wish(5, 9, { behavior })).replicas, 5);
  assert.equal(normalise(wish(5, 1, { behavior })).replicas, 5);
});
