// Counts what passed, and tells surprises from what is known.
import type { knownDifferences } from './known-differences.ts';

export interface Outcome {
  readonly area: string;
  readonly id: string;
  readonly problems: readonly string[];
}

const linesShown = 8;

export class Tally {
  readonly #known: ReturnType<typeof knownDifferences>;
  readonly #isVerbose: boolean;
  readonly #areas = new Map<string, { passed: number; failed: number; known: number }>();
  readonly #stale: string[] = [];
  #failed = 0;

  constructor(known: ReturnType<typeof knownDifferences>, isVerbose: boolean) {
    this.#known = known;
    this.#isVerbose = isVerbose;
  }

  add({ area, id, problems }: Outcome): void {
    const counts = this.#areas.get(area) ?? { passed: 0, failed: 0, known: 0 };
    this.#areas.set(area, counts);
    const isKnown = this.#known.has(id);
    if (problems.length === 0) {
      counts.passed++;
      if (isKnown) this.#stale.push(id);
      return;
    }
    if (isKnown) counts.known++;
    else {
      counts.failed++;
      this.#failed++;
    }
    if (!isKnown || this.#isVerbose) this.#show(id, problems);
  }

  #show(id: string, problems: readonly string[]): void {
    const shown = this.#isVerbose ? problems : problems.slice(0, linesShown);
    const rest = problems.length - shown.length;
    console.log([`FAIL ${id}`, ...shown, ...(rest > 0 ? [`… ${rest} more`] : [])].join('\n     '));
  }

  /** Prints the table; true when nothing failed that is not known to. */
  finish(): boolean {
    const sum = { passed: 0, failed: 0, known: 0 };
    const print = (name: string, { passed, failed, known }: typeof sum) =>
      console.log(`${name.padEnd(22)} ${passed} passed, ${failed} failed, ${known} known to differ`);
    for (const [area, counts] of [...this.#areas].sort()) {
      print(area, counts);
      for (const key of ['passed', 'failed', 'known'] as const) sum[key] += counts[key];
    }
    for (const id of this.#stale) console.log(`known-differences.json names ${id}, which passes: take it out`);
    print('all', sum);
    return this.#failed === 0;
  }
}
