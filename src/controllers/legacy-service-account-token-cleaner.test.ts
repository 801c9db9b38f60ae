import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextStep } from './legacy-service-account-token-cleaner.ts';

test('a token unused for a year is marked invalid, and deleted a year after that', () => {
  const now = Date.parse('2030-06-01T12:00:00Z');
  const step = (labels: Record<string, string>, creationTimestamp = '2020-01-01T00:00:00Z') =>
    nextStep(
      { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'a', name: 'b', creationTimestamp, labels } },
      now,
    );
  const [used, invalid] = ['kubernetes.io/legacy-token-last-used', 'kubernetes.io/legacy-token-invalid-since'];
  assert.equal(step({}), 'invalidate');
  assert.equal(step({}, '2030-01-01T00:00:00Z'), undefined);
  assert.equal(step({ [used]: '2030-01-01' }), undefined);
  assert.equal(step({ [used]: 'sometime' }), undefined);
  assert.equal(step({ [used]: '2025-01-01', [invalid]: 'sometime' }), 'invalidate');
  assert.equal(step({ [used]: '2025-01-01', [invalid]: '2030-01-01' }), undefined);
  assert.equal(step({ [used]: '2025-01-01', [invalid]: '2028-01-01' }), 'delete');
});
