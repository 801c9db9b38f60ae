// What runs leave behind: a folder each, with what became of its specs.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './report.ts';
import type { RunFacts } from './table.ts';

/** @param whole of a run without a focus: it stands for its part */
export function writeResult(folder: string, outcomes: readonly Outcome[], whole: RunFacts | undefined): void {
  if (whole) writeFileSync(join(folder, 'run.json'), JSON.stringify(whole));
  writeFileSync(join(folder, 'outcomes.json'), JSON.stringify(outcomes, null, 1));
}

/** Of all whole runs of a commit, the newest of each spec: the two parts may be runs of their own, side by side. */
export function outcomesAt(commit: string, results: string): Outcome[] {
  const newest = new Map<string, Outcome>();
  for (const name of readdirSync(results).sort()) {
    const facts = join(results, name, 'run.json');
    if (!existsSync(facts) || (JSON.parse(readFileSync(facts, 'utf8')) as RunFacts).commit !== commit) continue;
    const outcomes = JSON.parse(readFileSync(join(results, name, 'outcomes.json'), 'utf8')) as Outcome[];
    for (const outcome of outcomes) newest.set(outcome.name, outcome);
  }
  return [...newest.values()];
}
