import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml, parseYamlDocuments, stringifyYaml } from './yaml.ts';

test('scalars are read as kubectl reads them', () => {
  const text =
    'a: yes\nb: n\nc: 0644\nd: 0o644\ne: 0x1f\nf: 1_000\ng: 12:30:45\nh: 2020-01-01\ni: "yes"\nj: ~\nk: 1e3\nl: 08';
  assert.deepEqual(parseYaml(text), {
    a: true,
    b: false,
    c: 420,
    d: 420,
    e: 31,
    f: 1000,
    g: '12:30:45',
    h: '2020-01-01',
    i: 'yes',
    j: null,
    k: 1000,
    l: 8,
  });
});

test('integers beyond 2^53 stay exact, both ways', () => {
  const value: any = parseYaml('big: 9007199254740993');
  assert.equal(value.big, 9007199254740993n);
  assert.equal(stringifyYaml(value), 'big: 9007199254740993\n');
});

test('duplicate keys are refused, with the line', () => {
  assert.throws(() => parseYaml('a: 1\nb: 1\na: 2'), {
    name: 'YamlError',
    message: 'yaml: unmarshal errors:\n  line 3: key "a" already set in map',
  });
});

test('a tab is refused in the words kubectl uses', () => {
  assert.throws(() => parseYaml('spec:\n  replicas: 3\n\ttemplate: x\n'), {
    message: 'yaml: line 3: found character that cannot start any token',
  });
});

test('aliases cannot grow a small text into a large object, or a cycle', () => {
  const level = (name: string, of: string) => `${name}: &${name} [${Array(9).fill(`*${of}`).join()}]\n`;
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${level('b', 'a')}${level('c', 'b')}${level('d', 'c')}${level('e', 'd')}${level('f', 'e')}${level('g', 'f')}`;
  assert.throws(() => parseYaml(bomb), { message: 'yaml: document contains excessive aliasing' });
  assert.throws(() => parseYaml('a: &a [*a]'), { message: 'yaml: document is nested too deeply' });
});

test('merge keys and separate documents are understood', () => {
  assert.deepEqual(parseYaml('a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3'), { a: { b: 1, c: 2 }, d: { b: 1, c: 3 } });
  assert.deepEqual(parseYamlDocuments('a: 1\n---\n# nothing\n---\nb: 2\n'), [{ a: 1 }, { b: 2 }]);
});

test('what is written is read back the same', () => {
  const value = {
    list: [{ a: ['yes', '0644', null, 1.5, {}] }],
    multi: 'a\nb\n',
    odd: 'it\'s: "x"',
    time: '2020-01-01',
  };
  assert.deepEqual(parseYaml(stringifyYaml(value)), value);
});
