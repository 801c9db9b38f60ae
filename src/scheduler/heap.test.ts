import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { Heap } from './heap.ts';

test('a heap gives out in order, whatever order things came in', () => {
  const random = seededRandom(7);
  const heap = new Heap<number>((a, b) => a < b);
  const values = Array.from({ length: 500 }, () => Math.floor(random.next() * 100));
  const taken: number[] = [];
  for (const value of values) heap.push(value);
  while (heap.size > 0) taken.push(heap.pop()!);
  assert.deepEqual(
    taken,
    values.toSorted((a, b) => a - b),
  );
  assert.equal(heap.pop(), undefined);
});
