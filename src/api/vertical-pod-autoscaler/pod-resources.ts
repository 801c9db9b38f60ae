// From a recommendation to what the containers of one pod get: pure. Admission and the updater agree through this.
import type { Container, LimitRange, Pod } from '../../../generated/core-v1.ts';
import { Quantity, quantityOf } from '../meta/quantity.ts';
import { keepWithinPod, type PodBounds } from './pod-bounds.ts';
import { type Capped, capBetween, capToPolicy, containerPolicyOf } from './policy.ts';
import { proportionalLimits, scale } from './proportions.ts';
import type { ContainerRecommendation, ResourceList, VerticalPodAutoscaler } from './types.ts';

export interface ContainerResources {
  /** Index into the pod's containers. */
  readonly index: number;
  readonly name: string;
  readonly requests: ResourceList;
  readonly limits: ResourceList;
  /** What the recommendation was bent by. */
  readonly notes: readonly string[];
}

/** Bounds of the namespace for one container, and for all of a pod together: the tightest of all its LimitRanges. */
export interface NamespaceBounds {
  readonly min: ResourceList;
  readonly max: ResourceList;
  readonly defaults: ResourceList;
  readonly pod: PodBounds;
}

export function namespaceBounds(ranges: readonly LimitRange[]): NamespaceBounds {
  const items = ranges.flatMap(({ spec }) => spec?.limits ?? []);
  const tightest = (part: 'min' | 'max' | 'default', sign: 1 | -1, type = 'Container'): ResourceList => {
    const found: Record<string, string> = {};
    for (const item of items.filter((each) => each.type === type))
      for (const name of ['cpu', 'memory']) {
        const value = item[part]?.[name];
        if (value === undefined) continue;
        if (found[name] === undefined || quantityOf(value).compare(quantityOf(found[name])) === sign)
          found[name] = value;
      }
    return found;
  };
  return {
    min: tightest('min', 1),
    max: tightest('max', -1),
    defaults: tightest('default', -1),
    pod: { min: tightest('min', 1, 'Pod'), max: tightest('max', -1, 'Pod') },
  };
}

/** The recommendation for each container of this pod, kept within policy, namespace and, for requests alone, limits. */
export function recommendationFor(
  vpa: VerticalPodAutoscaler,
  pod: Pod,
  bounds: NamespaceBounds,
): Map<string, ContainerRecommendation & { notes: readonly string[] }> {
  const found = new Map<string, ContainerRecommendation & { notes: readonly string[] }>();
  const raw = vpa.status?.recommendation?.containerRecommendations ?? [];
  for (const each of keepWithinPod(raw, pod, bounds.pod)) {
    const container = pod.spec.containers.find(({ name }) => name === each.containerName);
    if (!container) continue;
    const cap = (resources: ResourceList = {}) => capFor(vpa, container, resources, bounds);
    const target = cap(each.target);
    found.set(each.containerName, {
      ...each,
      target: target.resources,
      lowerBound: cap(each.lowerBound).resources,
      upperBound: cap(each.upperBound).resources,
      notes: target.notes,
    });
  }
  return found;
}

/** What each container of a new pod is to ask for. Containers without a recommendation ask for what they did. */
export function podResources(vpa: VerticalPodAutoscaler, pod: Pod, bounds: NamespaceBounds): ContainerResources[] {
  const recommended = recommendationFor(vpa, pod, bounds);
  return pod.spec.containers.map((container, index) => {
    const { name } = container;
    const recommendation = recommended.get(name);
    if (!recommendation) return { index, name, requests: {}, limits: {}, notes: [] };
    const requests = recommendation.target;
    const isLimited = containerPolicyOf(vpa, name)?.controlledValues !== 'RequestsOnly';
    const limits = isLimited ? proportionalLimits(container, requests, bounds.defaults) : { limits: {}, notes: [] };
    return { index, name, requests, limits: limits.limits, notes: [...recommendation.notes, ...limits.notes] };
  });
}

function capFor(
  vpa: VerticalPodAutoscaler,
  container: Container,
  resources: ResourceList,
  bounds: NamespaceBounds,
): Capped {
  const inRange = capBetween(
    resources,
    boundaryRequests(container, bounds.min, bounds, true),
    boundaryRequests(container, bounds.max, bounds, false),
    ['capped to fit Min in container LimitRange', 'capped to fit Max in container LimitRange'],
  );
  const policy = containerPolicyOf(vpa, container.name);
  const inPolicy = capToPolicy(inRange.resources, policy);
  const notes = [...inRange.notes, ...inPolicy.notes];
  if (policy?.controlledValues !== 'RequestsOnly') return { resources: inPolicy.resources, notes };
  const most = container.resources?.limits ?? {};
  const limited = capBetween(inPolicy.resources, {}, most, ['', 'capped to container limit']);
  return { resources: limited.resources, notes: [...notes, ...limited.notes] };
}

/** The requests at which the limits, growing in proportion, reach a boundary. */
function boundaryRequests(
  { resources }: Container,
  boundary: ResourceList,
  { defaults }: NamespaceBounds,
  isLeast: boolean,
): ResourceList {
  const found: Record<string, string> = {};
  for (const [name, limit] of Object.entries(boundary)) {
    const ownLimit = quantityOf(resources?.limits?.[name]);
    const limitNow = ownLimit.isZero ? quantityOf(defaults[name]) : ownLimit;
    const request = quantityOf(resources?.requests?.[name]);
    const edge = quantityOf(limit);
    const scaled = limitNow.isZero ? Quantity.zero : request.isZero ? edge : scale(name, request, limitNow, edge);
    const isHigher = isLeast && edge.compare(scaled) > 0;
    found[name] = (isHigher ? edge : scaled).toString();
  }
  return found;
}
