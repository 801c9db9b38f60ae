// What the last stages say of a pod that got no node.
import type { ResourceClaim } from '../../generated/resource-v1.ts';
import type { Devices } from './devices/devices.ts';
import { extendedResourcesOf } from './devices/extended.ts';
import { dynamicResources } from './plugins/dynamic-resources.ts';
import type { PodView } from './pod-view.ts';
import type { Preemption } from './preemption.ts';

/** What to say of a pod that got no node, and what to do for it. */
export interface Refused {
  readonly message: string;
  readonly chosen?: Preemption;
  readonly promised?: string | undefined;
  readonly deallocate?: ResourceClaim;
}

/** Of a stage that finds nothing to do its work on, unless it was the last one that refused. */
export function lastWords(blockedBy: string | undefined, total: number): string {
  if (blockedBy !== dynamicResources.name) return 'not found';
  const preemption = `${total} Preemption is not helpful for scheduling`;
  return `no new claims to deallocate, preemption: 0/${total} nodes are available: ${preemption}.`;
}

export function aboutClaims(
  { pod }: PodView,
  deallocated: ResourceClaim | undefined,
  devices: Devices | undefined,
): string {
  if (deallocated) return 'deallocation of ResourceClaim completed';
  const hasClaims =
    pod.spec.resourceClaims?.length || (devices && extendedResourcesOf(pod, devices.resources).length > 0);
  return hasClaims ? 'still not schedulable' : 'no new claims to deallocate';
}
