// Which pods of an autoscaler ask for too much or too little, in the order they are to be changed: pure.
import type { Pod } from '../../../generated/core-v1.ts';
import { millisOf, quantityOf } from '../../api/meta/quantity.ts';
import { timeMs } from '../../api/meta/time.ts';
import { type NamespaceBounds, recommendationFor } from '../../api/vertical-pod-autoscaler/pod-resources.ts';
import { containerPolicyOf } from '../../api/vertical-pod-autoscaler/policy.ts';
import type {
  ContainerRecommendation,
  EvictionRequirement,
  ResourceList,
  VerticalPodAutoscaler,
} from '../../api/vertical-pod-autoscaler/types.ts';

/** A pod within its bounds is changed when it is so old, and if it would change by so much. */
const lifetimeMs = 12 * 3_600_000;
const leastChange = 0.1;
/** Killed for want of memory so soon after its start: changed at once. */
const quickOomMs = 600_000;

export const observedContainersAnnotation = 'vpaObservedContainers';

interface Candidate {
  readonly pod: Pod;
  readonly isGrowing: boolean;
  readonly change: number;
}

/** Those that want to grow come first, then those that change most. */
export function planUpdates(
  vpa: VerticalPodAutoscaler,
  pods: readonly Pod[],
  bounds: NamespaceBounds,
  nowMs: number,
): Pod[] {
  const candidates = pods.flatMap((pod): Candidate[] => {
    const recommended = recommendationFor(vpa, pod, bounds);
    const { isOutside, isGrowing, change } = compare(pod, recommended);
    const isQuickOom = wasKilledSoon(vpa, pod);
    if (!isOutside && !isQuickOom) {
      const startedMs = timeMs(pod.status?.startTime);
      if (startedMs === undefined || nowMs < startedMs + lifetimeMs || change < leastChange) return [];
    }
    if (isQuickOom && change === 0) return [];
    if (!meets(vpa.spec.updatePolicy?.evictionRequirements, pod, recommended)) return [];
    return [{ pod, isGrowing, change }];
  });
  const order = (a: Candidate, b: Candidate) =>
    a.isGrowing === b.isGrowing ? b.change - a.change : Number(b.isGrowing) - Number(a.isGrowing);
  return candidates.sort(order).map(({ pod }) => pod);
}

/** Containers that admission saw; those that somebody added later are not judged. Undefined: all. */
function observed(pod: Pod): ReadonlySet<string> | undefined {
  const text = pod.metadata.annotations?.[observedContainersAnnotation];
  return text === undefined ? undefined : new Set(text.split(', '));
}

interface Comparison {
  readonly isOutside: boolean;
  readonly isGrowing: boolean;
  /** Sum over the resources of how far, in parts of what is requested, the pod is from its target. */
  readonly change: number;
}

function compare(pod: Pod, recommended: ReadonlyMap<string, ContainerRecommendation>): Comparison {
  const judged = observed(pod);
  const requested = new Map<string, number>();
  const wanted = new Map<string, number>();
  let [isOutside, isGrowing] = [false, false];
  for (const container of pod.spec.containers) {
    const recommendation = recommended.get(container.name);
    if (!recommendation || (judged && !judged.has(container.name))) continue;
    for (const [resource, target] of Object.entries(recommendation.target)) {
      wanted.set(resource, (wanted.get(resource) ?? 0) + millisOf(target));
      const request = container.resources?.requests?.[resource];
      if (request === undefined) {
        isGrowing = isOutside = true;
        continue;
      }
      requested.set(resource, (requested.get(resource) ?? 0) + millisOf(request));
      if (millisOf(target) > millisOf(request)) isGrowing = true;
      const isBeyond = (bound: string | undefined, sign: 1 | -1) =>
        bound !== undefined && quantityOf(request).compare(quantityOf(bound)) === sign;
      if (isBeyond(recommendation.lowerBound?.[resource], -1) || isBeyond(recommendation.upperBound?.[resource], 1))
        isOutside = true;
    }
  }
  let change = 0;
  for (const [resource, amount] of wanted) {
    const now = Math.max(1, requested.get(resource) ?? 0);
    change += Math.abs(now - amount) / now;
  }
  return { isOutside, isGrowing, change };
}

function wasKilledSoon(vpa: VerticalPodAutoscaler, pod: Pod): boolean {
  const judged = observed(pod);
  return (pod.status?.containerStatuses ?? []).some(({ name, lastState }) => {
    if (judged && !judged.has(name)) return false;
    if (containerPolicyOf(vpa, name)?.mode === 'Off') return false;
    const ended = lastState?.terminated;
    if (ended?.reason !== 'OOMKilled') return false;
    return (timeMs(ended.finishedAt) ?? 0) - (timeMs(ended.startedAt) ?? 0) < quickOomMs;
  });
}

/** One container that meets all requirements is enough; so is one that asks for nothing. */
function meets(
  requirements: readonly EvictionRequirement[] | undefined,
  pod: Pod,
  recommended: ReadonlyMap<string, ContainerRecommendation>,
): boolean {
  if (!requirements) return true;
  return pod.spec.containers.some(({ name, resources }) => {
    const target = recommended.get(name)?.target;
    if (!target) return false;
    const requests: ResourceList = resources?.requests ?? {};
    if (requests['cpu'] === undefined || requests['memory'] === undefined) return true;
    return requirements.every(({ resources: named, changeRequirement }) =>
      named.some((resource) => {
        const difference = millisOf(target[resource]) - millisOf(requests[resource]);
        return changeRequirement === 'TargetHigherThanRequests' ? difference > 0 : difference < 0;
      }),
    );
  });
}
