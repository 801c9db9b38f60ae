// What nobody would write but to do harm: it ends soon, in an issue or an error, and costs no more than is allowed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from './cel.ts';
import { dynType } from './types.ts';
import { fromJson } from './values.ts';

const variables = { object: dynType };
const long = (count: number, text: string) => text.repeat(count);
const values = { l: Array.from({ length: 100_000 }, (_, index) => index), s: 'a'.repeat(1_000_000) };

for (const [name, source] of Object.entries({
  'brackets in brackets': `${long(40_000, '(')}1${long(40_000, ')')}`,
  'open brackets': long(99_000, '['),
  'a sum of many': `1${long(49_000, '+1')}`,
  'a path of many steps': `object${long(40_000, '.a')}`,
  'negations of negations of lists': `${long(30_000, '![')}`,
  'conditions within conditions': `${long(10_000, 'true?1:')}1`,
  'calls within calls': `${long(15_000, 'size(')}1`,
  'macros within macros': `${long(300, 'object.all(x, ')}true${long(300, ')')}`,
  'maps within maps': `${long(20_000, '{1:')}1`,
  'more text than is read': long(200_000, ' '),
  'a string without an end': `"${long(40_000, '\\n')}`,
  'digits without end': long(90_000, '9'),
  'two hundred unknown names': long(200, 'x.y && '),
})) {
  test(`${name} are refused`, () => {
    const { issues, text } = compile(source, { variables });
    assert.ok(issues && issues.length > 0 && issues.length <= 100);
    assert.ok(text.length < 1_000_000);
  });
}

test('many terms of && and || are no depth', () => {
  assert.ok(compile(`true${long(9_000, ' && true')}`, { variables }).program);
});

test('a target that a macro uses twice, again and again, is one', () => {
  const source = `object.?a${long(60, '.optMap(x, x)')}`;
  const { program } = compile(source, { variables });
  assert.equal(program?.evaluate({ object: fromJson({}) }).error, undefined);
  assert.ok(program!.estimateCost().max > 0);
});

for (const [name, source] of Object.entries({
  'loops within loops': 'object.l.all(x, object.l.all(y, object.l.all(z, x + y + z >= 0)))',
  'loops that cost next to nothing': 'object.l.all(x, object.l.map(y, false, y) == [])',
  'texts that double': `[1,2,3,4,5,6,7,8].map(x, object.s)${long(20, '.map(x, x + x)')} == []`,
  'a text between all letters': 'object.s.replace("", object.s) == ""',
  'a separator larger than the list': 'object.l.map(x, "").join(object.s) == ""',
  'a list from a number': 'lists.range(9000000000000) == []',
  'lists compared with lists': 'sets.contains(object.l, object.l)',
  'a list sorted by itself': 'object.l.sort() == []',
  'large texts against a large pattern': 'object.s.matches("(a+)+b" + object.s)',
  'maps that grow': 'object.l.transformMap(i, v, object.l.transformMap(j, w, w)) == {}',
})) {
  test(`${name} end at the limit`, () => {
    const { program, text } = compile(source, { variables });
    assert.ok(program, text);
    const result = program.evaluate({ object: fromJson(values) });
    assert.equal(result.error?.kind, 'cost');
  });
}

test('a pattern that would take a backtracking matcher forever takes none', () => {
  const { program } = compile('object.matches("(a+)+$")', { variables });
  assert.equal(program!.evaluate({ object: `${'a'.repeat(100_000)}!` }).value, false);
});

test('names of prototypes are names like any other', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    const { program } = compile(`has(object.${name})`, { variables });
    assert.equal(program!.evaluate({ object: fromJson({}) }).value, false, name);
    assert.ok(compile(name, { variables: {} }).issues, name);
    assert.ok(compile(`${name}()`, { variables: {} }).issues, name);
  }
});
