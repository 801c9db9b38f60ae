import assert from 'node:assert/strict';
import test from 'node:test';
import { planLabels } from './plan-labels.ts';

test('older labels of a node follow the newer ones', () => {
  assert.deepEqual(
    planLabels({ 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'arm64', 'beta.kubernetes.io/arch': 'x' }),
    {
      'beta.kubernetes.io/os': 'linux',
      'beta.kubernetes.io/arch': 'arm64',
    },
  );
  assert.equal(planLabels({ 'beta.kubernetes.io/os': 'linux' }), undefined);
  assert.equal(planLabels({ 'kubernetes.io/os': 'linux', 'beta.kubernetes.io/os': 'linux' }), undefined);
});
