// What is said of an eviction, in upstream's words, blanks at the end among them.
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { Quantity, quantityOf } from '../../api/meta/quantity.ts';
import type { PodUsage } from './pod-usage.ts';
import type { Observations } from './pressure-state.ts';
import { amountOf, resourceOf, type StarvedResource, type Threshold } from './thresholds.ts';

export interface EvictionReason {
  readonly resource: StarvedResource;
  readonly thresholds: readonly Threshold[];
  readonly observations: Observations;
}

const bytes = (amount: number): Quantity => Quantity.ofUnits(amount, 'binary');

export function evictionMessage(pod: Pod, usage: PodUsage | undefined, reason: EvictionReason): string {
  const { resource } = reason;
  const words = excesses(pod, usage, resource).map(
    ({ what, name, used, request }) =>
      `${what} ${name} was using ${used}, request is ${request}, has larger consumption of ${resource}. `,
  );
  return [`The node was low on resource: ${resource}. `, thresholdText(reason), ...words].join('');
}

/** The same for programs, on the event. */
export function evictionAnnotations(
  pod: Pod,
  usage: PodUsage | undefined,
  { resource }: EvictionReason,
): Record<string, string> | undefined {
  if (!usage) return undefined;
  const all = excesses(pod, usage, resource);
  const whole = all.find(({ what }) => what === 'Pod');
  const containers = all.filter(({ what }) => what === 'Container');
  return {
    ...(whole ? { offending_pod: whole.name, offending_pod_usage: String(whole.used) } : {}),
    offending_containers: containers.map(({ name }) => name).join(','),
    offending_containers_usage: containers.map(({ used }) => used).join(','),
    starved_resource: resource,
  };
}

function thresholdText({ resource, thresholds, observations }: EvictionReason): string {
  for (const { signal, value } of thresholds) {
    const observed = resourceOf(signal) === resource ? observations.get(signal) : undefined;
    if (!observed) continue;
    return `Threshold quantity: ${amountOf(value, observed.capacity)}, available: ${observed.available}. `;
  }
  return '';
}

interface Excess {
  readonly what: 'Pod' | 'Container';
  readonly name: string;
  readonly used: Quantity;
  readonly request: Quantity;
}

/** Of the pod where it has its own request, and of its containers. */
function excesses(pod: Pod, usage: PodUsage | undefined, resource: StarvedResource): Excess[] {
  if (!usage || (resource !== 'memory' && resource !== 'ephemeral-storage')) return [];
  const found: Excess[] = [];
  const whole = resource === 'memory' ? pod.spec.resources?.requests?.[resource] : undefined;
  if (whole !== undefined)
    found.push({ what: 'Pod', name: pod.metadata.name, used: bytes(usage.memoryBytes), request: quantityOf(whole) });
  const containers: readonly Container[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  for (const { name, memoryBytes, rootBytes, logBytes } of usage.containers) {
    const container = containers.find((each) => each.name === name);
    if (!container) continue;
    const used = bytes(resource === 'memory' ? memoryBytes : rootBytes + logBytes);
    const request = quantityOf(container.resources?.requests?.[resource]);
    if (used.compare(request) > 0) found.push({ what: 'Container', name, used, request });
  }
  return found;
}
