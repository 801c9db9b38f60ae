/** Seeds under which something did not hold at some time: it does now. Two are run with each `make test`. */
export const failedOnce = [5, 22] as const;

/** The others: `make sim SEED=…` runs them. What they found has small tests of its own beside the code. */
export const failedBefore: readonly number[] = [
  2, 3, 16, 42, 44, 51, 73, 124, 178, 205, 252, 261, 263, 269, 586, 628, 650, 1097, 3014, 3023, 3048, 4074, 4119, 6042,
  7015, 7069, 10062, 11742, 11823, 12467, 12727, 13357, 13681, 13758, 15738, 17089, 17361, 20019,
];
