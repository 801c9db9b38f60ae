import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldErrors, path } from '../meta/field-errors.ts';
import { validateSchema } from './version-validation.ts';

const found = (properties: object, rest: object = {}): string[] => {
  const errors = new FieldErrors();
  validateSchema({ type: 'object', properties, ...rest } as never, false, path('schema'), errors);
  return errors.list.map(({ field, body }) => `${field}: ${body}`);
};

const text = { type: 'string' };

test('beside properties, anything more may be allowed and nothing more may not', () => {
  assert.deepEqual(found({ a: { type: 'object', properties: { b: text }, additionalProperties: true } }), []);
  const refusal = 'Forbidden: additionalProperties and properties are mutual exclusive';
  for (const additionalProperties of [false, text]) {
    assert.deepEqual(found({ a: { type: 'object', properties: { b: text }, additionalProperties } }), [
      `schema.properties[a].additionalProperties: ${refusal}`,
    ]);
  }
});

test('what tells the items of a list apart is always there', () => {
  const items = { type: 'object', nullable: true, properties: { k: text } };
  const list = { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] };
  assert.deepEqual(found({ a: list }), [
    'schema.properties[a].items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is map',
    'schema.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
  ]);
  const described = { type: 'object', required: ['k'], properties: { k: text } };
  assert.deepEqual(found({ a: { ...list, items: described } }), []);
});

test('combinations at the root speak of what is described, those below may speak of more', () => {
  const narrowing = { anyOf: [{ properties: { b: {} } }] };
  assert.deepEqual(found({ a: { type: 'object', ...narrowing } }), []);
  assert.deepEqual(found({ a: text }, narrowing), [
    'schema.properties[b]: Required value: because it is defined in schema.anyOf[0].properties[b]',
  ]);
});

test('an integer or a string may be said in a combination, and nothing else of types', () => {
  const either = { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] };
  assert.deepEqual(found({ a: either }), []);
  assert.deepEqual(found({ a: { ...either, anyOf: [{ type: 'string' }] } }), [
    'schema.properties[a].anyOf[0].type: Forbidden: must be empty to be structural',
  ]);
});
