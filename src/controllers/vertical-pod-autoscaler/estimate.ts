// From what was used to what is recommended: pure.
import { Quantity } from '../../api/meta/quantity.ts';
import { capToPolicy, containerPolicyOf, controlledByDefault } from '../../api/vertical-pod-autoscaler/policy.ts';
import type {
  ContainerRecommendation,
  Recommendation,
  ResourceList,
  VerticalPodAutoscaler,
} from '../../api/vertical-pod-autoscaler/types.ts';
import type { ContainerUsage } from './usage.ts';

/** More than what was used. */
const margin = 0.15;
/** A pod is never recommended less; its containers share it. */
const leastMillis = 25;
const leastBytes = 250 * 1024 * 1024;
const most = 1e14;

interface Bound {
  readonly percentile: number;
  /** How the bound widens while little is known. */
  readonly trust: (confidence: number) => number;
}

const target: Bound = { percentile: 0.9, trust: () => 1 };
const lower: Bound = { percentile: 0.5, trust: (confidence) => (1 + 0.001 / confidence) ** -2 };
const upper: Bound = { percentile: 0.95, trust: (confidence) => 1 + 1 / confidence };

/** For each container that is not turned off; names in order. */
export function recommend(vpa: VerticalPodAutoscaler, usages: ReadonlyMap<string, ContainerUsage>): Recommendation {
  const wanted = [...usages]
    .filter(([name]) => containerPolicyOf(vpa, name)?.mode !== 'Off')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (wanted.length === 0) return {};
  const containerRecommendations = wanted.map(([name, usage]) => recommendOne(vpa, name, usage, wanted.length));
  return { containerRecommendations };
}

function recommendOne(
  vpa: VerticalPodAutoscaler,
  containerName: string,
  usage: ContainerUsage,
  containers: number,
): ContainerRecommendation {
  const policy = containerPolicyOf(vpa, containerName);
  const controlled = policy?.controlledResources ?? controlledByDefault;
  const estimate = (bound: Bound): ResourceList => {
    const amounts: Record<string, string> = {};
    if (controlled.includes('cpu')) {
      const millis = bounded(usage.cpu.percentile(bound.percentile) * 1000, bound, usage.confidence);
      amounts['cpu'] = Quantity.ofMillis(Math.max(millis, Math.trunc(leastMillis / containers))).toString();
    }
    if (controlled.includes('memory')) {
      const bytes = bounded(usage.memory.percentile(bound.percentile), bound, usage.confidence);
      amounts['memory'] = Quantity.ofUnits(Math.max(bytes, Math.trunc(leastBytes / containers)), 'binary').toString();
    }
    return amounts;
  };
  const uncappedTarget = estimate(target);
  const cap = (amounts: ResourceList) => capToPolicy(amounts, policy).resources;
  return {
    containerName,
    lowerBound: cap(estimate(lower)),
    target: cap(uncappedTarget),
    uncappedTarget,
    upperBound: cap(estimate(upper)),
  };
}

/** With the margin, and as far as it can be trusted; whole numbers. */
function bounded(amount: number, { trust }: Bound, confidence: number): number {
  const whole = Math.trunc(amount);
  return clamp((whole + Math.trunc(whole * margin)) * trust(confidence));
}

const clamp = (amount: number) => (Number.isNaN(amount) ? 0 : Math.min(most, Math.max(0, Math.trunc(amount))));
