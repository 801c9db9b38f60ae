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
  return [`The node was low on resource: ${resource}. `, thresholdText(reason), ...excesses(pod, usage, resource)].join(
    '',
  );
}

function thresholdText({ resource, thresholds, observations }: EvictionReason): string {
  for (const { signal, value } of thresholds) {
    const observed = resourceOf(signal) === resource ? observations.get(signal) : undefined;
    if (!observed) continue;
    return `Threshold quantity: ${amountOf(value, observed.capacity)}, available: ${observed.available}. `;
  }
  return '';
}

/** Of the pod where it has its own request, and of its containers. */
function excesses(pod: Pod, usage: PodUsage | undefined, resource: StarvedResource): string[] {
  if (!usage || (resource !== 'memory' && resource !== 'ephemeral-storage')) return [];
  const words: string[] = [];
  const whole = resource === 'memory' ? pod.spec.resources?.requests?.[resource] : undefined;
  if (whole !== undefined)
    words.push(text('Pod', pod.metadata.name, bytes(usage.memoryBytes), quantityOf(whole), resource));
  const containers: readonly Container[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  for (const { name, memoryBytes, rootBytes, logBytes } of usage.containers) {
    const container = containers.find((each) => each.name === name);
    if (!container) continue;
    const used = bytes(resource === 'memory' ? memoryBytes : rootBytes + logBytes);
    const request = quantityOf(container.resources?.requests?.[resource]);
    if (used.compare(request) > 0) words.push(text('Container', name, used, request, resource));
  }
  return words;
}

function text(what: string, name: string, used: Quantity, request: Quantity, resource: string): string {
  return `${what} ${name} was using ${used}, request is ${request}, has larger consumption of ${resource}. `;
}
