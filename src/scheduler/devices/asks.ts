// What a claim asks for, in one shape: a request for one thing, or the first that can be had of several.
import type {
  CapacityRequirements,
  DeviceClass,
  DeviceRequest,
  DeviceSelector,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaim,
} from '../../../generated/resource-v1.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { AttributeConstraint, RequestPlace } from './constraints.ts';
import { constraintOf } from './constraints.ts';

/** As many devices as the status of a claim holds. */
export const maxResults = 32;

/** Scheduling cannot go on: something is wrong with the claim or the class. */
export class AllocationError extends Error {}

export interface Ask extends RequestPlace {
  /** `request`, or `request/alternative`: what results name. */
  readonly name: string;
  /** The last part of the name, for messages. */
  readonly shortName: string;
  readonly deviceClass: DeviceClass;
  readonly wantsAll: boolean;
  /** How many, unless it wants all. */
  readonly count: number;
  readonly adminAccess: boolean;
  readonly selectors: readonly DeviceSelector[];
  readonly tolerations: readonly DeviceToleration[] | undefined;
  readonly capacity: CapacityRequirements | undefined;
}

export interface AskedRequest {
  readonly name: string;
  /** One, or the alternatives in their order. */
  readonly asks: readonly Ask[];
  readonly isChoice: boolean;
}

export interface AskedClaim {
  readonly claim: ResourceClaim;
  /** `namespace/name`. */
  readonly key: string;
  readonly requests: readonly AskedRequest[];
  /** Fresh ones for each attempt. */
  constraints(): AttributeConstraint[];
}

export type FindClass = (name: string) => DeviceClass | undefined;

export function askedClaim(claim: ResourceClaim, findClass: FindClass): AskedClaim {
  const key = keyOf(claim);
  const { requests = [], constraints = [] } = claim.spec.devices ?? {};
  return {
    claim,
    key,
    requests: requests.map((request) => askedRequest(request, key, findClass)),
    constraints: () =>
      constraints.map((constraint, index) => {
        const made = constraintOf(constraint);
        if (made) return made;
        const problem = 'empty constraint (unsupported constraint type?)';
        throw new AllocationError(`claim ${key}, constraint #${index}: ${problem}`);
      }),
  };
}

function askedRequest(request: DeviceRequest, key: string, findClass: FindClass): AskedRequest {
  const { name, exactly, firstAvailable = [] } = request;
  if (exactly) return { name, asks: [askOf({ request: name }, name, exactly, key, findClass)], isChoice: false };
  const asks = firstAvailable.map((each) => {
    const place = { request: name, alternative: `${name}/${each.name}` };
    return askOf(place, each.name, each, key, findClass);
  });
  return { name, asks, isChoice: true };
}

function askOf(
  place: RequestPlace,
  shortName: string,
  wanted: ExactDeviceRequest,
  key: string,
  findClass: FindClass,
): Ask {
  const fail = (problem: string): never => {
    throw new AllocationError(`claim ${key}, request ${shortName}: ${problem}`);
  };
  const { deviceClassName, selectors = [], allocationMode, count = 0, tolerations, capacity } = wanted;
  selectors.forEach(({ cel }, index) => {
    if (!cel)
      throw new AllocationError(
        `claim ${key}, request ${shortName}, selector #${index}: CEL expression empty (unsupported selector type?)`,
      );
  });
  const deviceClass =
    findClass(deviceClassName) ??
    fail(
      `could not retrieve device class ${deviceClassName}: deviceclass.resource.k8s.io "${deviceClassName}" not found`,
    );
  if (allocationMode !== 'All' && allocationMode !== 'ExactCount') fail(`unsupported count mode ${allocationMode}`);
  return {
    ...place,
    name: place.alternative ?? place.request,
    shortName,
    deviceClass,
    wantsAll: allocationMode === 'All',
    count,
    adminAccess: wanted.adminAccess ?? false,
    selectors,
    tolerations,
    capacity,
  };
}
