import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unifiedDiff } from './unified-diff.ts';

test('a change is shown with three lines around it', () => {
  const before = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 };
  const text = unifiedDiff(before, { ...before, b: 9 });
  assert.equal(text, '@@ -1,6 +1,6 @@\n {\n  "a": 1,\n- "b": 2,\n+ "b": 9,\n  "c": 3,\n  "d": 4,\n  "e": 5,\n');
});

test('equal values have no difference', () => assert.equal(unifiedDiff({ a: [1] }, { a: [1] }), ''));
