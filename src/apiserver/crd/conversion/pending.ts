// Code that compares versions cannot wait for a webhook in the middle of its work, nor code that validates for costly rules:
// it is interrupted, and begins again when the answer is there.

export class PendingWork extends Error {
  readonly settled: Promise<unknown>;

  constructor(what: string, settled: Promise<unknown>) {
    super(`${what} is under way`);
    this.settled = settled;
  }
}

export class PendingConversion extends PendingWork {
  constructor(settled: Promise<unknown>) {
    super('a conversion', settled);
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
      if (!(error instanceof PendingWork) || round === maxRounds) throw error;
      await error.settled;
    }
  }
}

/** The same for what seldom has to wait: a promise only when it does. */
export function resolvingRarely<T>(work: () => T): T | Promise<T> {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PendingWork)) throw error;
    return error.settled.then(() => resolving(work));
  }
}
