import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyJson } from './copy-json.ts';

test('a copy is equal, shares nothing, and is not frozen', () => {
  const original = Object.freeze(JSON.parse('{"a":[1,null,{"b":"c"}],"__proto__":{"d":true},"e":{}}'));
  original.a.push(9007199254740993n);
  const copy = copyJson(original);
  assert.deepEqual(copy, original);
  assert.deepEqual(Object.keys(copy), ['a', '__proto__', 'e']);
  copy.a[2].b = 'other';
  copy.f = 1;
  assert.equal(original.a[2].b, 'c');
  assert.equal(({} as { d?: boolean }).d, undefined);
});
