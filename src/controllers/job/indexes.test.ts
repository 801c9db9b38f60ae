import assert from 'node:assert/strict';
import test from 'node:test';
import { formatIndexes, parseIndexes } from './indexes.ts';

for (const text of ['', '0', '1,2', '0-2', '0,2-5,7,8,10-12']) {
  test(`indexes "${text}" read and write back`, () => assert.equal(formatIndexes(parseIndexes(text, 100)), text));
}

test('indexes beyond the limit, and what is no index, are left out', () => {
  assert.deepEqual([...parseIndexes('1,x,5-1000000000,-3', 7)], [1, 5, 6]);
});
