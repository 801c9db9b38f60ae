import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalQuantity, millisOf, quantityOf, unitsOf } from './quantity.ts';

for (const [text, want] of [
  ['1000m', '1'],
  ['1.5Gi', '1536Mi'],
  ['0.1Gi', '107374182400m'],
  ['0.5Ki', '512'],
  ['100e1', '1e3'],
  ['1E', '1E'],
  ['.5', '500m'],
  ['0.0000000001', '1n'],
  ['1e30', '9223372036854775807'],
] as const) {
  test(`the quantity ${text} is written ${want}`, () => assert.equal(canonicalQuantity(text), want));
}

for (const text of ['', 'a', '1x', '1.2.3', '-', '1Kii']) {
  test(`${JSON.stringify(text)} is no quantity`, () => assert.throws(() => canonicalQuantity(text)));
}

test('quantities add up in the format of the first', () => {
  assert.equal(quantityOf('1Gi').plus(quantityOf('512Mi')).toString(), '1536Mi');
  assert.equal(quantityOf('100m').minus(quantityOf('1')).toString(), '-900m');
  assert.equal(quantityOf('1Gi').compare(quantityOf('1G')), 1);
});

test('numbers for the scheduler are rounded up', () => {
  assert.deepEqual([millisOf('250m'), millisOf('1.5'), millisOf('1u'), millisOf(undefined)], [250, 1500, 1, 0]);
  assert.deepEqual([unitsOf('1Gi'), unitsOf('100m'), unitsOf('128974848')], [1073741824, 1, 128974848]);
});
