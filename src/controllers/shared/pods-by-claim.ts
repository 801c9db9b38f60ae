import type { Pod } from '../../../generated/core-v1.ts';
import { ephemeralClaimName } from '../../api/core/ephemeral-claims.ts';

export const byClaim = 'claim';

/** Keys of the claims a pod mounts; those of ephemeral volumes are called POD-VOLUME. */
export function claimKeysOf(pod: Pod): string[] {
  const { metadata, spec } = pod;
  return (spec.volumes ?? []).flatMap((volume) => {
    const name = volume.ephemeral ? ephemeralClaimName(pod, volume) : volume.persistentVolumeClaim?.claimName;
    return name ? [`${metadata.namespace}/${name}`] : [];
  });
}
