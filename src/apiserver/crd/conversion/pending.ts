// Code that compares versions cannot wait for a webhook in the middle of its work: it is interrupted, and begins again when
// the answer is there.

export class PendingConversion extends Error {
  readonly settled: Promise<unknown>;

  constructor(settled: Promise<unknown>) {
    super('a conversion is under way');
    this.settled = settled;
  }
}

/** An object has few managers in other versions; each takes two conversions. */
const maxRounds = 64;

/** Runs `work` until nothing is pending any more. It must be repeatable. @throws what a conversion ends with */
export async function resolving<T>(work: () => T | Promise<T>): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PendingConversion) || round === maxRounds) throw error;
      await error.settled;
    }
  }
}
