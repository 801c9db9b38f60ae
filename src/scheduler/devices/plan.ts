// A pod's claims: whether it may use them, and on which nodes they can be had. Pure.
import type { ContainerExtendedResourceRequest, Pod } from '../../../generated/core-v1.ts';
import type { AllocationResult, DeviceRequest, ResourceClaim } from '../../../generated/resource-v1.ts';
import { matchesTerm } from '../../api/core/node-match.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { NodeView } from '../node-cache.ts';
import { Blocked } from '../plugin.ts';
import type { VolumePlan } from '../volume-plan.ts';
import { allocationResult } from './allocation-result.ts';
import { findDevices } from './allocator.ts';
import { type AskedClaim, askedClaim } from './asks.ts';
import { bindingProblem, hasTimedOut, isReadyToBind } from './binding-conditions.ts';
import type { Devices } from './devices.ts';
import { draftClaim, extendedResourcesOf, resourcesFromDevices } from './extended.ts';

/** What has to be written before the pod can run on the node it was given. */
export interface DevicePlan {
  readonly claims: readonly PlannedClaim[];
  /** A claim to be made for extended resources. */
  readonly extended?: ExtendedClaim;
}

export interface ExtendedClaim {
  /** Without name; its uid is ours. */
  readonly draft: ResourceClaim;
  readonly allocation: AllocationResult;
  readonly mappings: readonly ContainerExtendedResourceRequest[];
}

/** What a pod needs beside its node. */
export interface Needs {
  readonly volumes: VolumePlan | undefined;
  readonly devices: DevicePlan | undefined;
}

export interface PlannedClaim {
  readonly claim: ResourceClaim;
  /** New; absent: it has its devices already. */
  readonly allocation?: AllocationResult;
}

/** A pod's claims, looked at once for all nodes. */
export interface ClaimsInHand {
  readonly claims: readonly ResourceClaim[];
  readonly toAllocate: readonly AskedClaim[];
  readonly pod: Pod;
  /** Resources that classes stand for. */
  readonly resources: readonly string[];
}

/** Undefined: the pod has no claims, and wants nothing that devices stand for. */
export function takeInHand(pod: Pod, devices: Devices): ClaimsInHand | Blocked | undefined {
  const resources = extendedResourcesOf(pod, devices.resources);
  if (!pod.spec.resourceClaims?.length && resources.length === 0) return undefined;
  const found = devices.claimsOf(pod);
  if ('problem' in found) return new Blocked(found.problem);
  const { claims } = found;
  if (claims.length === 0 && resources.length === 0) return undefined;
  const pending = claims.filter(({ status }) => !status?.allocation);
  for (const claim of pending) {
    if (devices.isPromised(claim)) {
      return new Blocked(`resource claim ${keyOf(claim)} is in the process of being allocated`);
    }
    const problem = missingClass(claim, devices);
    if (problem) return new Blocked(problem);
  }
  const toAllocate = pending.map((claim) => askedClaim(claim, (name) => devices.deviceClass(name)));
  return { claims, toAllocate, pod, resources };
}

/** What the claim for extended resources would be on this node; undefined: it has them itself. */
function extendedOn({ pod, resources }: ClaimsInHand, node: NodeView, devices: Devices) {
  const fromDevices = resourcesFromDevices(resources, node);
  if (fromDevices.length === 0) return undefined;
  const draft = draftClaim(pod, fromDevices, devices.resources);
  return { ...draft, asked: askedClaim(draft.claim, (name) => devices.deviceClass(name)) };
}

function missingClass(claim: ResourceClaim, devices: Devices): string | undefined {
  for (const request of claim.spec.devices?.requests ?? []) {
    for (const [name, className] of classesOf(request)) {
      if (!devices.deviceClass(className)) return `request ${name}: device class ${className} does not exist`;
    }
  }
  return undefined;
}

function classesOf({ name, exactly, firstAvailable = [] }: DeviceRequest): [string, string][] {
  if (exactly) return [[name, exactly.deviceClassName]];
  return firstAvailable.map((each) => [`${name}/${each.name}`, each.deviceClassName]);
}

/** Whether the devices that the claim has can be used from the node. */
export function isAvailable({ status }: ResourceClaim, node: NodeView): boolean {
  const terms = status?.allocation?.nodeSelector?.nodeSelectorTerms;
  return !terms || terms.some((term) => matchesTerm(term, node));
}

/** Claims whose devices are elsewhere, or were waited for in vain. */
export function unavailableClaims({ claims }: ClaimsInHand, node: NodeView, nowMs: number): ResourceClaim[] {
  return claims.filter(
    (claim) =>
      claim.status?.allocation &&
      (!isAvailable(claim, node) || bindingProblem(claim) || (!isReadyToBind(claim) && hasTimedOut(claim, nowMs))),
  );
}

/** A solution for each claim that needs one; the last is of the claim for extended resources, where there is one. */
export function allocateOn(
  inHand: ClaimsInHand,
  node: NodeView,
  devices: Devices,
  extended = extendedOn(inHand, node, devices),
) {
  const { toAllocate } = inHand;
  const asked = extended ? [...toAllocate, extended.asked] : toAllocate;
  return asked.length === 0 ? [] : findDevices(node, asked, devices.stock);
}

/** Undefined: nothing has to be written. */
export function planDevices(
  pod: Pod,
  node: NodeView,
  devices: Devices | undefined,
  newId: () => string,
): DevicePlan | undefined {
  const inHand = devices && takeInHand(pod, devices);
  if (!inHand || inHand instanceof Blocked) return undefined;
  const extended = extendedOn(inHand, node, devices);
  if (inHand.claims.length === 0 && !extended) return undefined;
  const solutions = allocateOn(inHand, node, devices, extended) ?? [];
  const allocations = new Map(
    solutions.map((solution, index) => {
      const asked = inHand.toAllocate[index] ?? extended!.asked;
      return [asked.claim, allocationResult(asked, solution, node.name, newId)];
    }),
  );
  const claims = inHand.claims.map((claim) => {
    const allocation = allocations.get(claim);
    return { claim, ...(allocation ? { allocation } : {}) };
  });
  if (!extended) return { claims };
  const { claim: draft, mappings } = extended;
  return { claims, extended: { draft, allocation: allocations.get(draft)!, mappings } };
}
