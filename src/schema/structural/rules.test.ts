import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toNode } from './node.ts';
import { evaluateRules } from './rules.ts';

const object = (properties: Record<string, any>, ...rules: any[]): any => ({
  type: 'object',
  properties,
  'x-kubernetes-validations': rules,
});
const integer = { type: 'integer' };
const text = { type: 'string' };
const ruled = (schema: any, ...rules: any[]) => ({ ...schema, 'x-kubernetes-validations': rules });
const root = (spec: any) => toNode({ type: 'object', properties: { spec } });
const said = (schema: any, next: any, before?: any) =>
  evaluateRules({ spec: next }, root(schema), before === undefined ? undefined : { spec: before });
const fields = ({ errors }: ReturnType<typeof said>) => errors.map(({ field, detail }) => `${field}: ${detail}`);

for (const { name, schema, next, before, want } of [
  {
    name: 'see the value under them',
    schema: object({ a: ruled(integer, { rule: 'self > 5' }) }),
    next: { a: 1 },
    want: ['spec.a: failed rule: self > 5'],
  },
  {
    name: 'about a change do not ask about what is new',
    schema: object({ a: ruled(integer, { rule: 'self >= oldSelf' }) }),
    next: { a: 1 },
    want: [],
  },
  {
    name: 'about a change ask about what was there',
    schema: object({ a: ruled(integer, { rule: 'self >= oldSelf', message: 'no way back' }) }),
    next: { a: 1 },
    before: { a: 2 },
    want: ['spec.a: no way back'],
  },
  {
    name: 'with an optional old value ask in both cases',
    schema: object({
      a: ruled(integer, { rule: 'oldSelf.hasValue() ? self > oldSelf.value() : self == 0', optionalOldSelf: true }),
    }),
    next: { a: 1 },
    want: ['spec.a: failed rule: oldSelf.hasValue() ? self > oldSelf.value() : self == 0'],
  },
  {
    name: 'know the items of a map again',
    schema: object({
      l: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: object({ k: text, v: integer }, { rule: 'self.v >= oldSelf.v', fieldPath: '.v' }),
      },
    }),
    next: {
      l: [
        { k: 'new', v: 0 },
        { k: 'a', v: 1 },
      ],
    },
    before: { l: [{ k: 'a', v: 2 }] },
    want: ['spec.l[1].v: failed rule: self.v >= oldSelf.v'],
  },
  {
    name: 'see sets as sets',
    schema: object(
      { s: { type: 'array', 'x-kubernetes-list-type': 'set', items: text } },
      { rule: 'self.s == oldSelf.s && self.s + ["a"] == self.s' },
    ),
    next: { s: ['a', 'b'] },
    before: { s: ['b', 'a'] },
    want: [],
  },
  {
    name: 'read dates, spans and bytes as what they are',
    schema: object(
      {
        t: { type: 'string', format: 'date-time' },
        d: { type: 'string', format: 'duration' },
        b: { type: 'string', format: 'byte' },
      },
      { rule: 'self.t.getFullYear() == 2024 && self.d > duration("1h") && self.b == b"abc"' },
    ),
    next: { t: '2024-05-01T00:00:00Z', d: '90m', b: 'YWJj' },
    want: [],
  },
  {
    name: 'take a number or a text where a schema does',
    schema: object(
      { p: { 'x-kubernetes-int-or-string': true } },
      { rule: 'type(self.p) == int ? self.p < 5 : self.p.endsWith("%")' },
    ),
    next: { p: '50%' },
    want: [],
  },
  {
    name: 'are not asked about null',
    schema: object({ a: ruled({ ...integer, nullable: true }, { rule: 'self > 5' }) }),
    next: { a: null },
    want: [],
  },
  {
    name: 'fall back on the message when the expression for it fails',
    schema: object({ a: integer }, { rule: 'self.a > 1', message: 'small', messageExpression: '"x".substring(9)' }),
    next: { a: 1 },
    want: ['spec: small'],
  },
  {
    name: 'end when all of them together cost too much',
    schema: object({
      l: { type: 'array', items: integer, 'x-kubernetes-validations': Array(12).fill({ rule: 'self.all(x, x >= 0)' }) },
    }),
    next: { l: Array.from({ length: 190_000 }, (_, index) => index) },
    want: ['spec.l: validation failed due to running out of cost budget, no further validation rules will be run'],
  },
] as { name: string; schema: any; next: any; before?: any; want: string[] }[]) {
  test(`rules ${name}`, () => assert.deepEqual(fields(said(schema, next, before)), want));
}

test('what broke a rule before may stay, and is told; what changes is judged', () => {
  const schema = object({ a: ruled(integer, { rule: 'self > 5' }), b: integer });
  const kept = said(schema, { a: 1, b: 2 }, { a: 1, b: 1 });
  assert.deepEqual(kept.errors, []);
  assert.equal(kept.tolerated.length, 1);
  assert.equal(said(schema, { a: 2 }, { a: 1 }).errors.length, 1);
});

test('an item that nothing knows again is judged unless its list stayed as it was', () => {
  const schema = object({ l: { type: 'array', items: ruled(integer, { rule: 'self > 5' }) }, b: integer });
  assert.equal(said(schema, { l: [1], b: 2 }, { l: [1], b: 1 }).errors.length, 0);
  assert.equal(said(schema, { l: [1, 6] }, { l: [1] }).errors.length, 1);
});

test('of metadata, rules see the names', () => {
  const node = toNode({
    type: 'object',
    properties: { spec: object({}) },
    'x-kubernetes-validations': [{ rule: 'self.metadata.name == "a"' }, { rule: 'self.metadata.labels.size() == 0' }],
  } as any);
  const { errors } = evaluateRules({ metadata: { name: 'b' } }, node);
  assert.equal(errors[0]!.detail, 'failed rule: self.metadata.name == "a"');
  assert.match(errors[1]!.detail!, /^rule compile error: .*undefined field 'labels'/);
});
