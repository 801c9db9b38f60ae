// From what the metrics ask for to what is done: held back by what was recommended lately, by rates, by minimum and maximum.
import type { HorizontalPodAutoscalerSpec, HPAScalingRules } from '../../../generated/autoscaling-v2.ts';
import type { ScaleHistory } from './scale-history.ts';

/** How long a smaller size has to be recommended before it is taken, unless the autoscaler says otherwise. */
export const downscaleWindowMs = 300_000;

export interface Wish {
  readonly current: number;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  readonly behavior: HorizontalPodAutoscalerSpec['behavior'];
  readonly history: ScaleHistory;
  readonly nowMs: number;
}

export interface Verdict {
  readonly replicas: number;
  readonly ableToScale: Reasoned;
  readonly isLimited: boolean;
  readonly limited: Reasoned;
}

export interface Reasoned {
  readonly reason: string;
  readonly message: string;
}

const ready: Reasoned = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const heldUp: Reasoned = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};
const heldDown: Reasoned = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};
const tooQuickUp: Reasoned = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};
const tooQuickDown: Reasoned = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};
const tooMany: Reasoned = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};
const tooFew: Reasoned = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};
const within: Reasoned = {
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};

/** Notes the recommendation in the history, too. */
export function normalise(wish: Wish): Verdict {
  const stable = wish.behavior ? stabilisedBoth(wish) : stabilisedDown(wish);
  const held = wish.behavior && wish.desired >= wish.current ? heldUp : heldDown;
  const asked = { ...wish, desired: stable };
  const { replicas, why } = wish.behavior ? limitedByRules(asked) : limitedByDefault(asked);
  return {
    replicas,
    ableToScale: stable === wish.desired ? ready : held,
    isLimited: replicas !== stable,
    limited: why,
  };
}

/** Without rules of its own only scaling down waits. */
function stabilisedDown({ desired, history, nowMs }: Wish): number {
  const stable = Math.max(desired, ...history.since(downscaleWindowMs, nowMs));
  history.recommend(desired, nowMs, downscaleWindowMs);
  return stable;
}

function stabilisedBoth({ current, desired, behavior, history, nowMs }: Wish): number {
  const upMs = (behavior?.scaleUp?.stabilizationWindowSeconds ?? 0) * 1000;
  const downMs = (behavior?.scaleDown?.stabilizationWindowSeconds ?? downscaleWindowMs / 1000) * 1000;
  const lowest = Math.min(desired, ...history.since(upMs, nowMs));
  const highest = Math.max(desired, ...history.since(downMs, nowMs));
  history.recommend(desired, nowMs, Math.max(upMs, downMs));
  return Math.min(Math.max(current, lowest), highest);
}

interface Limited {
  readonly replicas: number;
  readonly why: Reasoned;
}

/** Twice the size at once, or four. */
function limitedByDefault({ current, desired, min, max }: Wish): Limited {
  const rate = Math.max(2 * current, 4);
  if (desired < min) return { replicas: min, why: tooFew };
  if (desired > Math.min(max, rate))
    return max > rate ? { replicas: rate, why: tooQuickUp } : { replicas: max, why: tooMany };
  return { replicas: desired, why: within };
}

function limitedByRules(wish: Wish): Limited {
  const { current, desired, min, max, behavior } = wish;
  if (desired > current) {
    const rate = Math.max(current, rateLimit(wish, behavior?.scaleUp, 1));
    if (desired > Math.min(max, rate))
      return max > rate ? { replicas: rate, why: tooQuickUp } : { replicas: max, why: tooMany };
  } else if (desired < current) {
    const rate = Math.min(current, rateLimit(wish, behavior?.scaleDown, -1));
    if (desired < Math.max(min, rate))
      return min < rate ? { replicas: rate, why: tooQuickDown } : { replicas: min, why: tooFew };
  }
  return { replicas: desired, why: within };
}

/** How far the policies let the size go in this direction. */
function rateLimit({ current, history, nowMs }: Wish, rules: HPAScalingRules | undefined, direction: 1 | -1): number {
  if (rules?.selectPolicy === 'Disabled') return current;
  const reach = (rules?.policies ?? []).map(({ type, value, periodSeconds }) => {
    const begin = history.replicasBefore(periodSeconds, current, nowMs);
    if (type === 'Pods') return begin + direction * value;
    // Rounded so that a small target moves at all.
    return direction > 0 ? Math.ceil(begin * (1 + value / 100)) : Math.trunc(begin * (1 - value / 100));
  });
  if (reach.length === 0) return current;
  const isFurthest = rules?.selectPolicy !== 'Min';
  return isFurthest === direction > 0 ? Math.max(...reach) : Math.min(...reach);
}
