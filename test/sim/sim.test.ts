import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedOnce } from './seeds.ts';
import { simulate } from './simulate.ts';

test('one seed is one history', async () => {
  const [first, second, other] = [await simulate(4), await simulate(4), await simulate(5)];
  assert.equal(first.ledger.digest(), second.ledger.digest());
  assert.deepEqual(first.steps, second.steps);
  assert.notEqual(first.ledger.digest(), other.ledger.digest());
});

for (const seed of failedOnce)
  test(`whatever goes wrong under seed ${seed}, all comes to be as declared`, async () => {
    const { problems } = await simulate(seed);
    assert.deepEqual(problems, [], `replay: make sim SEED=${seed}`);
  });
