// What an evaluation may use up: the costs that Kubernetes counts, and work that those do not see.
import { CelError } from './errors.ts';

/** Thrown through everything: `||` and `&&` do not absorb it. */
export class FuelSpent extends Error {}

/** Steps of comparing large values and of loops, which costs count too low or not at all. */
const maxSteps = 5_000_000;
/** Longer texts or lists cannot come of what costs allow. */
export const maxSize = 1 << 24;

// An evaluation runs in one turn: nobody else can come in between.
let steps = 0;

export const resetSteps = (): void => {
  steps = 0;
};

export function takeStep(count = 1): void {
  steps += count;
  if (steps > maxSteps) throw new FuelSpent();
}

/** What is about to be made would be too large to be paid for. */
export function checkSize(size: number): void {
  if (size > maxSize) throw new FuelSpent();
}

export const costExceeded = (): CelError => new CelError('operation cancelled: actual cost limit exceeded', 'cost');
