// What a VerticalPodAutoscaler's spec says, with its defaults.
import { Quantity, quantityOf } from '../meta/quantity.ts';
import type { ContainerPolicy, ResourceList, UpdateMode, VerticalPodAutoscaler } from './types.ts';

export const controlledByDefault: readonly string[] = ['cpu', 'memory'];

export function updateModeOf({ spec }: VerticalPodAutoscaler): UpdateMode {
  return spec.updatePolicy?.updateMode || 'Auto';
}

/** The container's own policy, or the one for all others (`*`). */
export function containerPolicyOf({ spec }: VerticalPodAutoscaler, container: string): ContainerPolicy | undefined {
  const policies = spec.resourcePolicy?.containerPolicies ?? [];
  return (
    policies.find(({ containerName }) => containerName === container) ??
    policies.findLast(({ containerName }) => containerName === '*')
  );
}

/** Of two that match a pod, the older one has it. */
export function isStronger(one: VerticalPodAutoscaler, other: VerticalPodAutoscaler | undefined): boolean {
  if (!other) return true;
  const [a, b] = [one.metadata.creationTimestamp ?? '', other.metadata.creationTimestamp ?? ''];
  return a === b ? one.metadata.name < other.metadata.name : a < b;
}

export interface Capped {
  readonly resources: ResourceList;
  /** `cpu capped to minAllowed`. */
  readonly notes: readonly string[];
}

/** Within what the policy allows; a bound of zero is none. */
export function capToPolicy(resources: ResourceList, policy: ContainerPolicy | undefined): Capped {
  return capBetween(resources, policy?.minAllowed ?? {}, policy?.maxAllowed ?? {}, [
    'capped to minAllowed',
    'capped to maxAllowed',
  ]);
}

export function capBetween(
  resources: ResourceList,
  least: ResourceList,
  most: ResourceList,
  [low, high]: readonly [string, string],
): Capped {
  const notes: string[] = [];
  const capped = Object.entries(resources).map(([name, text]) => {
    let value = text;
    const isBeyond = (bound: string | undefined, sign: 1 | -1) =>
      bound !== undefined && !isZero(bound) && quantityOf(value).compare(quantityOf(bound)) === sign;
    if (isBeyond(least[name], -1)) {
      value = least[name]!;
      notes.push(`${name} ${low}`);
    }
    if (isBeyond(most[name], 1)) {
      value = most[name]!;
      notes.push(`${name} ${high}`);
    }
    return [name, value] as const;
  });
  return { resources: Object.fromEntries(capped), notes };
}

const isZero = (text: string) => quantityOf(text).compare(Quantity.zero) === 0;
