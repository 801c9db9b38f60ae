import type { Pod } from '../../../generated/core-v1.ts';
import { claimNameOf } from '../../api/resource/pod-claims.ts';

export const byResourceClaim = 'resource-claim';

/** Keys of the device claims that a pod uses and whose names are known. */
export function resourceClaimKeysOf(pod: Pod): string[] {
  return (pod.spec?.resourceClaims ?? []).flatMap((entry) => {
    const found = claimNameOf(pod, entry);
    return 'name' in found ? [`${pod.metadata.namespace}/${found.name}`] : [];
  });
}
