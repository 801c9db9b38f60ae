// What a pod's volumes use beside the pod itself: claims, and disks that are named in the pod.
import type { Pod, Volume } from '../../generated/core-v1.ts';
import { ephemeralClaimName } from '../api/core/ephemeral-claims.ts';

export interface ClaimUse {
  readonly name: string;
  /** `namespace/name`. */
  readonly key: string;
  /** Made for this pod alone. */
  readonly isEphemeral: boolean;
}

export interface PodVolumes {
  readonly claims: readonly ClaimUse[];
  /** Volumes that name a disk themselves. */
  readonly disks: readonly Volume[];
}

/** Of most pods. */
export const noVolumes: PodVolumes = { claims: [], disks: [] };

const isDisk = (volume: Volume) =>
  volume.awsElasticBlockStore !== undefined ||
  volume.gcePersistentDisk !== undefined ||
  volume.azureDisk !== undefined ||
  volume.cinder !== undefined ||
  volume.portworxVolume !== undefined ||
  volume.iscsi !== undefined ||
  volume.rbd !== undefined;

export function volumesOf(pod: Pod): PodVolumes {
  const { volumes } = pod.spec;
  if (!volumes || volumes.length === 0) return noVolumes;
  const { namespace = '' } = pod.metadata;
  let claims: ClaimUse[] | undefined;
  let disks: Volume[] | undefined;
  for (const volume of volumes) {
    const isEphemeral = volume.ephemeral !== undefined;
    const name = isEphemeral ? ephemeralClaimName(pod, volume) : volume.persistentVolumeClaim?.claimName;
    if (name !== undefined) {
      claims ??= [];
      claims.push({ name, key: `${namespace}/${name}`, isEphemeral });
    } else if (isDisk(volume)) {
      disks ??= [];
      disks.push(volume);
    }
  }
  if (!claims && !disks) return noVolumes;
  return { claims: claims ?? noVolumes.claims, disks: disks ?? noVolumes.disks };
}

export const usesClaim = ({ claims }: PodVolumes, key: string): boolean => claims.some((each) => each.key === key);
