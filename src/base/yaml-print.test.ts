import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from './yaml.ts';
import { printYaml } from './yaml-print.ts';

// Each expectation is what Go printed.
const printed: readonly (readonly [unknown, string])[] = [
  [{ a10: 1, a9: 2, '.': 3, k: null }, '.: 3\na9: 2\na10: 1\nk: null\n'],
  [
    { a: ['yes', '0644', '12:30', '2020-01-01', '', 'x: y', '- z'] },
    'a:\n- "yes"\n- "0644"\n- "12:30"\n- "2020-01-01"\n- ""\n- \'x: y\'\n- \'- z\'\n',
  ],
  [{ a: 'one\ntwo', b: ' one\n', c: 'one\n\n' }, 'a: |-\n  one\n  two\nb: |2\n   one\nc: |+\n  one\n\n'],
  [[[{ a: [] }], {}, '\t', '\u{1f600}'], '- - a: []\n- {}\n- "\\t"\n- "\\U0001F600"\n'],
  [{ a: 1.5, b: 1e21, c: 1000000.5 }, 'a: 1.5\nb: 1e+21\nc: 1.0000005e+06\n'],
  [{ t: `${'word '.repeat(17)}end` }, `t: ${'word '.repeat(16).trim()}\n  word end\n`],
];

test('texts stand bare, quoted or in blocks, and long lines are folded, as Go does it', () => {
  for (const [value, text] of printed) {
    assert.equal(printYaml(value), text);
    assert.deepEqual(parseYaml(text), value);
  }
});
