/** Seeds under which something did not hold at some time: it does now. Two are run with each `make test`. */
export const failedOnce: readonly number[] = [3, 16];

/** The others: `make sim SEED=…` runs them. What they found has small tests of its own beside the code. */
export const failedBefore: readonly number[] = [2, 5, 22, 42, 44, 124];
