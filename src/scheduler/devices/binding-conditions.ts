// Devices that are not there at once: what has to be true of them before the pod is bound, and what tells that they
// never will be.
import type { DeviceRequestAllocationResult, ResourceClaim } from '../../../generated/resource-v1.ts';

/** As long as upstream waits for a device. */
export const bindingTimeoutMs = 600_000;

const resultsOf = ({ status }: ResourceClaim) => status?.allocation?.devices?.results ?? [];

function conditionsOf({ status }: ResourceClaim, { driver, pool, device }: DeviceRequestAllocationResult) {
  return status?.devices?.find((each) => each.driver === driver && each.pool === pool && each.device === device)
    ?.conditions;
}

export const waitsForDevices = (claim: ResourceClaim): boolean =>
  resultsOf(claim).some(({ bindingConditions }) => bindingConditions?.length);

/** A device that cannot be had after all: why. */
export function bindingProblem(claim: ResourceClaim): string | undefined {
  for (const result of resultsOf(claim)) {
    if (!result.bindingConditions?.length) continue;
    const failed = conditionsOf(claim, result)?.find(
      ({ type, status }) => status === 'True' && result.bindingFailureConditions?.includes(type),
    );
    if (!failed) continue;
    const why = `claim=${claim.metadata.name}, reason=${failed.reason}, message=${JSON.stringify(failed.message)}`;
    return `device binding failed: ${why}`;
  }
  return undefined;
}

export function isReadyToBind(claim: ResourceClaim): boolean {
  if (!claim.status?.allocation) return false;
  return resultsOf(claim).every((result) => {
    const conditions = conditionsOf(claim, result);
    return (result.bindingConditions ?? []).every((wanted) =>
      conditions?.some(({ type, status }) => type === wanted && status === 'True'),
    );
  });
}

export function hasTimedOut(claim: ResourceClaim, nowMs: number): boolean {
  const since = claim.status?.allocation?.allocationTimestamp;
  return since !== undefined && waitsForDevices(claim) && Date.parse(since) + bindingTimeoutMs < nowMs;
}
