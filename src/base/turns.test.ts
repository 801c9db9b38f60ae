import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownTurn } from './turns.ts';

test('each turn of the event loop goes to one of those who wait, in order', async () => {
  const seen: string[] = [];
  let turn = 0;
  let isCounting = true;
  const count = () => {
    turn++;
    if (isCounting) setImmediate(count);
  };
  setImmediate(count);
  const work = async (name: string) => {
    for (let slice = 0; slice < 2; slice++) {
      await ownTurn();
      seen.push(`${name}${slice} ${turn}`);
    }
  };
  await Promise.all([work('a'), work('b'), work('c')]);
  isCounting = false;
  assert.deepEqual(
    seen.map((each) => each.split(' ')[0]),
    ['a0', 'b0', 'c0', 'a1', 'b1', 'c1'],
  );
  const turns = seen.map((each) => Number(each.split(' ')[1]));
  assert.equal(new Set(turns).size, turns.length);
});
