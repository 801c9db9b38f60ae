import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatWarnings } from './unknown-formats.ts';

const spec = (properties: object) =>
  ({ versions: [{ name: 'v1', schema: { openAPIV3Schema: { type: 'object', properties } } }] }) as never;

test('formats that nobody checks are warned of, once each and only when they are new', () => {
  const first = spec({
    a: { type: 'string', format: 'weird' },
    b: { type: 'integer', format: 'int16' },
    c: { type: 'number', format: 'double' },
    d: { type: 'object', format: 'x' },
    e: { type: 'string', format: 'u-u-id' },
    f: { 'x-kubernetes-int-or-string': true, format: 'int-or-string' },
    g: { type: 'array', items: { type: 'boolean', format: 'weird' } },
    h: { type: 'string', not: { format: 'w"' } },
  });
  assert.deepEqual(formatWarnings(first, undefined), [
    'unrecognized format "int-or-string"',
    'unrecognized format "int16"',
    'unrecognized format "w\\""',
    'unrecognized format "weird"',
    'unrecognized format "x"',
  ]);
  assert.deepEqual(formatWarnings(first, first), []);
  const next = spec({ a: { type: 'string', format: 'weird' }, b: { format: 'other' } });
  assert.deepEqual(formatWarnings(next, first), ['unrecognized format "other"']);
});
