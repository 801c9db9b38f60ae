// Which level has how many seats for now: those that need few lend theirs to those that need more.
import { allocate } from './allocate.ts';
import type { LevelPlan } from './configuration.ts';
import type { DemandFigures } from './seat-demand.ts';

export interface Borrower {
  readonly plan: LevelPlan;
  readonly demand: DemandFigures;
}

export interface Lending {
  /** By name. */
  readonly limits: ReadonlyMap<string, { readonly limit: number; readonly target: number }>;
  /** The fraction of its target that each level gets. */
  readonly fairFraction: number;
}

export function lend(levels: readonly Borrower[]): Lending {
  const nominalSum = levels.reduce((sum, { plan }) => sum + plan.nominal, 0);
  const limits = new Map<string, { limit: number; target: number }>();
  let left = nominalSum;
  for (const { plan, demand } of levels) {
    if (!plan.settings.isExempt) continue;
    const limit = Math.max(plan.lower, demand.highWatermark);
    limits.set(plan.name, { limit, target: limit });
    left -= limit;
  }
  const claims = levels
    .filter(({ plan }) => !plan.settings.isExempt)
    .map(({ plan, demand }) => {
      const least = Math.max(plan.lower, Math.min(plan.nominal, demand.highWatermark));
      return { plan, lower: least, upper: plan.upper, target: Math.max(least, demand.smoothed) };
    });
  const lowerSum = claims.reduce((sum, { plan }) => sum + plan.lower, 0);
  const leastSum = claims.reduce((sum, { lower }) => sum + lower, 0);
  if (left <= leastSum) {
    // What is exempt has taken so much that the rest share what they never lend, and what is left above it.
    const fraction = left <= lowerSum ? 0 : (left - lowerSum) / (leastSum - lowerSum);
    for (const { plan, lower, target } of claims) {
      limits.set(plan.name, { limit: plan.lower + Math.round((lower - plan.lower) * fraction), target });
    }
    return { limits, fairFraction: 0 };
  }
  const { seats, factor } = allocate(nominalSum, claims);
  claims.forEach(({ plan, target }, index) => {
    limits.set(plan.name, { limit: Math.round(seats[index]!), target });
  });
  return { limits, fairFraction: factor };
}
