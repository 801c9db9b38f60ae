/** How many succeeded, and the first failure. */
export interface BatchOutcome {
  readonly succeeded: number;
  readonly error: unknown;
}

/**
 * Calls `action` `count` times in batches of 1, 2, 4 …, and stops after a batch with a failure: what fails for one pod
 * fails for a thousand, and one attempt tells.
 */
export async function slowStart(count: number, action: (index: number) => Promise<void>): Promise<BatchOutcome> {
  let succeeded = 0;
  for (let size = Math.min(1, count); size > 0; size = Math.min(2 * size, count - succeeded)) {
    const calls = Array.from({ length: size }, (_, offset) => action(succeeded + offset));
    const outcomes = await Promise.allSettled(calls);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    succeeded += outcomes.filter((outcome) => outcome.status === 'fulfilled').length;
    if (failure) return { succeeded, error: failure.reason };
  }
  return { succeeded, error: undefined };
}
