// Which claims a pod and each of its containers use: pure.
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { claimNameOf } from '../../api/resource/pod-claims.ts';

export interface UsedClaim {
  readonly name: string;
  readonly mustBeOwned: boolean;
}

/** @throws for a claim that is not made yet */
export function claimsOf(pod: Pod): UsedClaim[] {
  const claims: UsedClaim[] = [];
  for (const entry of pod.spec.resourceClaims ?? []) {
    const claim = claimNameOf(pod, entry);
    if ('problem' in claim) throw new Error(claim.problem);
    if ('name' in claim) claims.push(claim);
  }
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  if (extended) claims.push({ name: extended, mustBeOwned: false });
  return claims;
}

export interface ClaimUse {
  /** As the pod calls it; undefined for the claim of its extended resources. */
  readonly entry: string | undefined;
  readonly claim: string;
  /** '' for all of the claim's. */
  readonly request: string;
}

export function usesOf(pod: Pod, container: Container): ClaimUse[] {
  const uses: ClaimUse[] = [];
  for (const { name, request = '' } of container.resources?.claims ?? []) {
    const entry = pod.spec.resourceClaims?.find((each) => each.name === name);
    const claim = entry && claimNameOf(pod, entry);
    if (claim && 'name' in claim) uses.push({ entry: name, claim: claim.name, request });
  }
  const extended = pod.status?.extendedResourceClaimStatus;
  for (const mapping of extended?.requestMappings ?? [])
    if (mapping.containerName === container.name && container.resources?.requests?.[mapping.resourceName])
      uses.push({ entry: undefined, claim: extended!.resourceClaimName, request: mapping.requestName });
  return uses;
}

/** Drivers know nothing of alternatives: `REQUEST/ALTERNATIVE` is `REQUEST` to them. */
export const baseRequest = (request: string): string => request.split('/')[0]!;
