import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedOnce } from './seeds.ts';
import { simulate } from './simulate.ts';

// Each seed costs seconds: they serve several ends.
const [seed, other] = failedOnce;

test('whatever goes wrong, all comes to be as declared, and one seed is one history', async () => {
  const [first, second] = [await simulate(seed), await simulate(seed)];
  assert.deepEqual(first.problems, [], `replay: make sim SEED=${seed}`);
  assert.equal(first.ledger.digest(), second.ledger.digest());
  assert.deepEqual(first.steps, second.steps);
  const { problems, ledger } = await simulate(other);
  assert.deepEqual(problems, [], `replay: make sim SEED=${other}`);
  assert.notEqual(ledger.digest(), first.ledger.digest());
});
