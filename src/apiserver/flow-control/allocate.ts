// Shares the server's seats out among priority levels.

export interface Claim {
  readonly lower: number;
  readonly upper: number;
  /** Not below `lower`. */
  readonly target: number;
}

const leastTarget = 0.001;

/**
 * One factor for all: each gets `factor × target`, kept between its bounds, so that together they get `total`.
 * Where the bounds do not allow that sum, all get their bound nearest to it.
 */
export function allocate(total: number, claims: readonly Claim[]): { seats: number[]; factor: number } {
  const given = (factor: number) =>
    claims.map(({ lower, upper, target }) => Math.max(lower, Math.min(upper, factor * Math.max(target, leastTarget))));
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const highest = Math.max(0, ...claims.map(({ upper, target }) => upper / Math.max(target, leastTarget)));
  if (sum(given(highest)) <= total) return { seats: given(highest), factor: highest };
  let low = 0;
  let high = highest;
  // The sum only grows with the factor; sixty halvings leave nothing of a seat.
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (sum(given(middle)) < total) low = middle;
    else high = middle;
  }
  return { seats: given(high), factor: high };
}
