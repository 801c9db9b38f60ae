import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownTurn, room } from './turns.ts';

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

test('what comes in at once is let in over several turns, in order', async () => {
  const seen: number[] = [];
  const turns = new Set<number>();
  let turn = 0;
  let isCounting = true;
  const count = () => {
    turn++;
    if (isCounting) setImmediate(count);
  };
  setImmediate(count);
  const busy = (ms: number) => {
    for (const until = performance.now() + ms; performance.now() < until; );
  };
  const work = async (index: number) => {
    const waiting = room();
    if (waiting) await waiting;
    seen.push(index);
    turns.add(turn);
    busy(1);
  };
  const all = Array.from({ length: 40 }, (_, index) => index);
  await Promise.all(all.map(work));
  isCounting = false;
  assert.deepEqual(seen, all);
  // Forty times a millisecond are more turns than a few.
  assert.ok(turns.size >= 5, String(turns.size));
});

test('what comes in alone is let in at once', async () => {
  await ownTurn();
  await ownTurn();
  assert.equal(room(), undefined);
});
