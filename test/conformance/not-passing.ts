// The list of specs that do not pass yet, and what a run says about it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './report.ts';

/** Spec → what it waits for. */
export type NotPassing = Readonly<Record<string, string>>;

export interface Comparison {
  /** Failed, and are not in the list: this is new. */
  readonly fallen: readonly Outcome[];
  /** Failed, as the list says. */
  readonly known: readonly Outcome[];
  /** Passed, although the list says that they do not. */
  readonly risen: readonly Outcome[];
  /** In the list, but no spec of the suite. */
  readonly unknown: readonly string[];
}

export function readNotPassing(): NotPassing {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'not-passing.json'), 'utf8')) as NotPassing;
}

export function compare(outcomes: readonly Outcome[], list: NotPassing, specs: readonly string[]): Comparison {
  const isListed = ({ name }: Outcome) => Object.hasOwn(list, name);
  const failed = outcomes.filter((each) => !each.hasPassed);
  const known = new Set(specs);
  return {
    fallen: failed.filter((each) => !isListed(each)),
    known: failed.filter(isListed),
    risen: outcomes.filter((each) => each.hasPassed && isListed(each)),
    unknown: Object.keys(list).filter((name) => !known.has(name)),
  };
}
