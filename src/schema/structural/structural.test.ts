import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCustomType } from './custom-object.ts';
import { fillDefaults } from './defaults.ts';
import { duplicateKeys } from './duplicate-keys.ts';
import { hasFormat } from './formats.ts';
import { toNode } from './node.ts';
import { prune, UnknownFields } from './prune.ts';
import { validateValue } from './validate.ts';

const object = (properties: Record<string, any>, more: object = {}): any => ({ type: 'object', properties, ...more });
const text = { type: 'string' };
const keeps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

for (const { name, schema, value, want, unknown } of [
  {
    name: 'drops what is not described',
    schema: object({ a: text }),
    value: { a: '1', b: 2 },
    want: { a: '1' },
    unknown: ['b'],
  },
  {
    name: 'looks into lists and maps',
    schema: object({
      l: { type: 'array', items: object({ a: text }) },
      m: { type: 'object', additionalProperties: object({ a: text }) },
    }),
    value: { l: [{ a: '', x: 1 }], m: { k: { a: '', x: 1 } } },
    want: { l: [{ a: '' }], m: { k: { a: '' } } },
    unknown: ['l[0].x', 'm.k.x'],
  },
  {
    name: 'leaves alone what is to be kept',
    schema: object({ a: keeps }),
    value: { a: { x: [{ y: 1 }] } },
    want: { a: { x: [{ y: 1 }] } },
    unknown: [],
  },
  {
    name: 'drops again below a described field of what is kept',
    schema: { ...keeps, properties: { a: object({ b: text }) } },
    value: { a: { b: '', c: 1 }, d: { e: 1 } },
    want: { a: { b: '' }, d: { e: 1 } },
    unknown: ['a.c'],
  },
]) {
  test(`pruning ${name}`, () => {
    const found = new UnknownFields();
    prune(value, toNode(schema), false, found);
    assert.deepEqual(value, want);
    assert.deepEqual(found.paths, unknown);
  });
}

test('defaults fill objects that are there, and those that have a default themselves', () => {
  const schema = object({
    a: { ...text, default: 'x' },
    o: object({ b: { type: 'integer', default: 1 } }),
    p: object({ c: { ...text, default: 'y' } }, { default: {} }),
  });
  const value = {};
  fillDefaults(value, toNode(schema));
  assert.deepEqual(value, { a: 'x', p: { c: 'y' } });
  const other = { o: {} };
  fillDefaults(other, toNode(schema));
  assert.deepEqual(other, { o: { b: 1 }, a: 'x', p: { c: 'y' } });
});

test('an unchanged value is not judged again, and a changed one is', () => {
  const node = toNode(
    object({ a: { type: 'integer', minimum: 10 }, l: { type: 'array', items: { type: 'integer', minimum: 10 } } }),
  );
  const before = { a: 1, l: [1] };
  assert.equal(validateValue({ a: 1, l: [1], x: 2 }, node, before).length, 0);
  assert.deepEqual(
    validateValue({ a: 2, l: [1] }, node, before).map(({ field }) => field),
    ['a'],
  );
  assert.deepEqual(
    validateValue({ a: 1, l: [1, 2] }, node, before).map(({ field }) => field),
    ['l[0]', 'l[1]'],
  );
});

test('a pattern that would take a backtracking matcher forever takes none', () => {
  const node = toNode(object({ a: { ...text, pattern: '^(a+)+$' } }));
  assert.equal(validateValue({ a: `${'a'.repeat(50_000)}!` }, node).length, 1);
});

test('keys given twice are found with their places', () => {
  assert.deepEqual(duplicateKeys('{"a":1,"b":[{"c":"{\\"a\\":1}","c":2}],"a":2,"d":{"a":1}}'), ['b[0].c', 'a']);
});

test('metadata of embedded resources is coerced, and what is no metadata is dropped', () => {
  const embedded = { ...keeps, 'x-kubernetes-embedded-resource': true };
  const type = createCustomType(toNode(object({ e: embedded, f: embedded })));
  const made: any = type.canonical({
    metadata: {},
    e: { metadata: { name: 'x', oops: 1 }, spec: { a: 1 } },
    f: { metadata: { labels: { a: 1 } } },
  });
  assert.deepEqual(made.e, { metadata: { name: 'x' }, spec: { a: 1 } });
  assert.deepEqual(made.f, {});
});

for (const [format, good, bad] of [
  ['date', '2024-02-29', '2023-02-29'],
  ['date-time', '2024-01-01T00:00:00Z', '2024-01-01'],
  ['duration', '1h30m', '1 fortnight'],
  ['ipv6', '::ffff:1.2.3.4', '1::2::3'],
  ['cidr', '10.0.0.0/8', '10.0.0.0/33'],
  ['uuid', '123e4567-e89b-12d3-a456-426614174000', 'x'],
  ['hostname', 'a.example.com', 'a_b'],
  ['byte', 'YWJj', 'YWJ'],
] as const) {
  test(`the format ${format} takes ${good} and not ${bad}`, () => {
    assert.equal(hasFormat(good, format), true);
    assert.equal(hasFormat(bad, format), false);
  });
}
