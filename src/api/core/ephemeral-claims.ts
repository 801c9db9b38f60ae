// Claims of ephemeral volumes: made for one pod, and named after it.
import type { PersistentVolumeClaim, Pod, Volume } from '../../../generated/core-v1.ts';
import { keyOf } from '../meta/object.ts';

export const ephemeralClaimName = ({ metadata }: Pod, { name }: Volume) => `${metadata.name}-${name}`;

/** Undefined: the claim is this pod's. */
export function whyNotThePods(pod: Pod, claim: PersistentVolumeClaim): string | undefined {
  const isOwner = claim.metadata.ownerReferences?.some(({ controller, uid }) => controller && uid === pod.metadata.uid);
  return isOwner ? undefined : `PVC ${keyOf(claim)} was not created for pod ${keyOf(pod)} (pod is not owner)`;
}
