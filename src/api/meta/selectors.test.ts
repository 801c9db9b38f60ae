import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesSelector } from './labels.ts';
import { formatSelector, matchesFields, parseFieldSelector, parseLabelSelector, selectorOf } from './selectors.ts';

for (const { text, want } of [
  { text: '', want: '' },
  { text: 'a=b', want: 'a=b' },
  { text: 'a==b, c!=d', want: 'a==b,c!=d' },
  { text: 'tier in (web, db),!old', want: 'tier in (db,web),!old' },
  { text: 'x in (,a)', want: 'x in (,a)' },
  { text: 'a=', want: 'a=' },
  { text: 'a>1', want: 'a>1' },
]) {
  test(`a label selector reads ${JSON.stringify(text)}`, () =>
    assert.equal(formatSelector(parseLabelSelector(text)), want));
}

for (const { text, want } of [
  { text: 'x in', want: "unable to parse requirement: found '' expected: '('" },
  { text: 'x notin y', want: "unable to parse requirement: found 'y' expected: '('" },
  { text: 'a,', want: "found '', expected: identifier after ','" },
  { text: ',a', want: "found ',', expected: !, identifier, or 'end of string'" },
  { text: 'a b', want: "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt" },
  {
    text: 'a>x',
    want: `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
  },
]) {
  test(`a label selector refuses ${JSON.stringify(text)}`, () =>
    assert.throws(() => parseLabelSelector(text), { message: want }));
}

test('a LabelSelector object matches by all of its requirements', () => {
  const selector = selectorOf({
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'NotIn', values: ['db'] },
      { key: 'old', operator: 'DoesNotExist' },
    ],
  })!;
  assert.equal(matchesSelector(selector, { app: 'web' }), true);
  assert.equal(matchesSelector(selector, { app: 'web', tier: 'db' }), false);
  assert.equal(matchesSelector(selector, { app: 'web', old: '' }), false);
  assert.equal(matchesSelector(selector, undefined), false);
});

test('an absent selector selects nothing and an empty one everything', () => {
  assert.equal(selectorOf(undefined), undefined);
  assert.equal(matchesSelector(selectorOf({})!, undefined), true);
});

test('a field selector unescapes values and tells equal from different', () => {
  const terms = parseFieldSelector('metadata.name=a\\,b,status.phase!=Running');
  assert.equal(matchesFields(terms, { 'metadata.name': 'a,b', 'status.phase': 'Pending' }), true);
  assert.equal(matchesFields(terms, { 'metadata.name': 'a,b', 'status.phase': 'Running' }), false);
  assert.throws(() => parseFieldSelector('metadata.name'), {
    message: "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
  });
});
