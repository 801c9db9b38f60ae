// The table in docs/conformance.md: a row a SIG, each of the last commit at which all of it ran.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Outcome } from './report.ts';
import { sigOf } from './specs.ts';

export interface RunFacts {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly commit: string;
}

const begin = '<!-- table: written by `make conformance` -->';
const end = '<!-- end of table -->';
const head = '| SIG | specs | passed | failed | time of its specs | date | commit |\n|---|--:|--:|--:|--:|---|---|';

/** Replaces the rows of the SIGs of which every spec ran. Gives back those SIGs. */
export function updateTable(
  page: string,
  outcomes: readonly Outcome[],
  specs: readonly string[],
  facts: RunFacts,
): string[] {
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (to < from) throw new Error(`${page}: the marks around the table are missing`);
  const rows = new Map(oldRows(text.slice(from, to)));
  const covered: string[] = [];
  for (const [sig, names] of bySig(specs)) {
    const ran = outcomes.filter(({ name }) => names.has(name));
    if (ran.length < names.size) continue;
    covered.push(sig);
    rows.set(sig, row(sig, ran, facts));
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
  const table = [head, ...sorted, totals(sorted)].join('\n');
  writeFileSync(page, `${text.slice(0, from)}\n\n${table}\n\n${text.slice(to)}`);
  return covered;
}

/** The same for the terminal, of what ran. */
export function summary(outcomes: readonly Outcome[]): string {
  const groups = Map.groupBy(outcomes, ({ name }) => sigOf(name));
  const lines = [...groups].sort().map(([sig, ran]) => {
    const passed = ran.filter((each) => each.hasPassed).length;
    const counts = [ran.length, passed, ran.length - passed].map((count) => String(count).padStart(7));
    return `${sig.padEnd(22)}${counts.join('')}`;
  });
  return [`${''.padEnd(22)}    ran passed failed`, ...lines].join('\n');
}

function row(sig: string, ran: readonly Outcome[], { date, commit }: RunFacts): string {
  const passed = ran.filter((each) => each.hasPassed).length;
  const seconds = Math.round(ran.reduce((sum, each) => sum + each.seconds, 0));
  return `| ${sig} | ${ran.length} | ${passed} | ${ran.length - passed} | ${seconds} s | ${date} | ${commit} |`;
}

function totals(rows: readonly string[]): string {
  const sum = (column: number) => rows.reduce((total, line) => total + Number.parseInt(cells(line)[column]!, 10), 0);
  return `| all | ${sum(1)} | ${sum(2)} | ${sum(3)} | ${sum(4)} s | | |`;
}

const cells = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

function oldRows(table: string): [string, string][] {
  const lines = table.split('\n').filter((line) => line.startsWith('| sig-'));
  return lines.map((line) => [cells(line)[0]!, line]);
}

function bySig(specs: readonly string[]): Map<string, Set<string>> {
  const groups = Map.groupBy(specs, sigOf);
  return new Map([...groups].map(([sig, names]) => [sig, new Set(names)]));
}
