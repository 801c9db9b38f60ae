// Which claims a pod uses, and whether a claim is the pod's.
import type { Pod, PodResourceClaim } from '../../../generated/core-v1.ts';
import type { ResourceClaim, ResourceClaimConsumerReference } from '../../../generated/resource-v1.ts';
import { keyOf } from '../meta/object.ts';

/** Keeps an allocated claim until its devices are free again. */
export const claimFinalizer = 'resource.kubernetes.io/delete-protection';
/** Of a claim made from a template: the pod's name for it. */
export const podClaimAnnotation = 'resource.kubernetes.io/pod-claim-name';

export type ClaimName =
  | { readonly name: string; readonly mustBeOwned: boolean }
  /** It was found that the pod does not need one. */
  | { readonly isUnneeded: true }
  | { readonly problem: string; readonly isNotMade: boolean };

/** The claim that an entry of the pod's stands for: named, or made from a template. */
export function claimNameOf(pod: Pod, entry: PodResourceClaim): ClaimName {
  if (entry.resourceClaimName !== undefined) return { name: entry.resourceClaimName, mustBeOwned: false };
  if (entry.resourceClaimTemplateName === undefined) {
    const problem = `pod "${keyOf(pod)}", spec.resourceClaim "${entry.name}": none of the supported fields are set`;
    return { problem, isNotMade: false };
  }
  const status = pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name);
  if (!status) return { problem: `pod "${keyOf(pod)}": ResourceClaim not created yet`, isNotMade: true };
  const { resourceClaimName } = status;
  return resourceClaimName === undefined ? { isUnneeded: true } : { name: resourceClaimName, mustBeOwned: true };
}

/** A claim made from a template belongs to one pod alone. Undefined: it is this pod's. */
export function whyNotOwned(pod: Pod, claim: ResourceClaim): string | undefined {
  const isOwned = claim.metadata.ownerReferences?.some(({ controller, uid }) => controller && uid === pod.metadata.uid);
  if (isOwned) return undefined;
  return `ResourceClaim ${keyOf(claim)} was not created for Pod ${keyOf(pod)} (Pod is not owner)`;
}

export const isReservedFor = (pod: Pod, claim: ResourceClaim): boolean =>
  claim.status?.reservedFor?.some(({ uid }) => uid === pod.metadata.uid) ?? false;

export const consumerOf = ({ metadata }: Pod): ResourceClaimConsumerReference => ({
  resource: 'pods',
  name: metadata.name,
  uid: metadata.uid ?? '',
});
