import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compare } from './not-passing.ts';
import { type Outcome, readReport } from './report.ts';
import { outcomesAt, writeResult } from './results.ts';
import { isIn, parseFocus, sigOf } from './specs.ts';
import { updateTable } from './table.ts';

const spec = (texts: string[], text: string, State: string, Failure?: object) => ({
  LeafNodeType: 'It',
  ContainerHierarchyTexts: texts,
  LeafNodeText: text,
  State,
  RunTime: 1.5e9,
  ...(Failure && { Failure }),
});

const outcome = (name: string, hasPassed: boolean): Outcome => ({ name, hasPassed, seconds: 1, message: '' });

test('a report tells what ran, and why it failed', () => {
  const report = [
    {
      SpecReports: [
        { ...spec([], '', 'passed'), LeafNodeType: 'BeforeSuite' },
        spec(['[sig-apps] Job'], 'should run', 'passed'),
        spec(['[sig-apps] Job'], 'should end', 'failed', { Message: 'timed out' }),
        spec(['[sig-apps] Job'], 'is not asked for', 'skipped'),
      ],
    },
  ];
  assert.deepEqual(readReport(JSON.stringify(report)), [
    { name: '[sig-apps] Job should run', hasPassed: true, seconds: 1.5, message: '' },
    { name: '[sig-apps] Job should end', hasPassed: false, seconds: 1.5, message: 'failed: timed out' },
  ]);
});

test('a focus is a SIG or part of a name', () => {
  const name = '[sig-apps] Job should run [Conformance]';
  assert.equal(sigOf(name), 'sig-apps');
  for (const [focus, want] of [
    ['', true],
    ['sig-apps', true],
    ['sig-auth', false],
    ['Job should', true],
    ['Job must', false],
  ] as const)
    assert.equal(isIn(parseFocus(focus), name), want, focus);
});

test('the list tells apart what fell, what is known and what has risen', () => {
  const outcomes = [outcome('a', true), outcome('b', false), outcome('c', false), outcome('d', true)];
  const found = compare(outcomes, { c: 'waits', d: 'waits', e: 'waits' }, ['a', 'b', 'c', 'd']);
  const names = (list: readonly Outcome[]) => list.map(({ name }) => name);
  assert.deepEqual(names(found.fallen), ['b']);
  assert.deepEqual(names(found.known), ['c']);
  assert.deepEqual(names(found.risen), ['d']);
  assert.deepEqual(found.unknown, ['e']);
});

test('the table gets rows of the SIGs that ran whole, and keeps the others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-table-'));
  try {
    const page = join(folder, 'page.md');
    writeFileSync(page, 'before\n<!-- table: written by `make conformance` -->\n<!-- end of table -->\nafter\n');
    const specs = ['[sig-a] one', '[sig-a] two', '[sig-b] three', '[sig-b] four'];
    const [one, two, three, four] = specs as [string, string, string, string];
    const run = (...outcomes: Outcome[]) => updateTable(page, outcomes, specs, { date: '2026-01-02', commit: 'abc' });
    assert.deepEqual(run(outcome(one, true), outcome(two, false), outcome(three, true)), ['sig-a']);
    assert.deepEqual(run(outcome(three, true), outcome(four, true)), ['sig-b']);
    const rows = readFileSync(page, 'utf8').split('\n');
    assert.deepEqual(
      rows.filter((line) => /^\| (sig|all)/.test(line)),
      [
        '| sig-a | 2 | 1 | 1 | 2 s | 2026-01-02 | abc |',
        '| sig-b | 2 | 2 | 0 | 2 s | 2026-01-02 | abc |',
        '| all | 4 | 3 | 1 | 4 s | | |',
      ],
    );
    assert.deepEqual([rows[0], rows.at(-2)], ['before', 'after']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the parts of a commit count together, what ran by a focus does not', () => {
  const results = mkdtempSync(join(tmpdir(), 'results-'));
  try {
    const runs = [
      ['1', 'abc', [outcome('[sig-apps] Job one', false), outcome('[sig-apps] Job two', true)]],
      ['2', 'abc', [outcome('[sig-apps] Job three [Serial]', true)]],
      ['3', 'def', [outcome('[sig-apps] Job four', true)]],
      ['4', undefined, [outcome('[sig-apps] Job one', true)]],
    ] as const;
    for (const [name, commit, outcomes] of runs) {
      mkdirSync(join(results, name));
      writeResult(join(results, name), outcomes, commit && { date: '2030-01-02', commit });
    }
    assert.deepEqual(
      outcomesAt('abc', results).map(({ name, hasPassed }) => [name, hasPassed]),
      [
        ['[sig-apps] Job one', false],
        ['[sig-apps] Job two', true],
        ['[sig-apps] Job three [Serial]', true],
      ],
    );
  } finally {
    rmSync(results, { recursive: true });
  }
});
