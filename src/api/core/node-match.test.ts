import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesTerm } from './node-match.ts';

const node = { name: 'n', labels: { cores: '8', empty: '', half: '1.5', hex: '0x10' } };
const matches = (key: string, operator: 'Gt' | 'Lt', ...values: string[]) =>
  matchesTerm({ matchExpressions: [{ key, operator, values }] }, node);

test('only whole numbers are greater or less', () => {
  assert.deepEqual(
    [matches('cores', 'Gt', '7'), matches('cores', 'Lt', '9'), matches('cores', 'Gt', '8')],
    [true, true, false],
  );
  for (const key of ['empty', 'half', 'hex', 'none'])
    assert.deepEqual([matches(key, 'Gt', '-1'), matches(key, 'Lt', '99')], [false, false], key);
});

test('a term without requirements matches nothing, and of fields there is the name alone', () => {
  assert.equal(matchesTerm({}, node), false);
  const ofField = (key: string) => matchesTerm({ matchFields: [{ key, operator: 'In', values: ['n'] }] }, node);
  assert.deepEqual([ofField('metadata.name'), ofField('spec.name')], [true, false]);
});
