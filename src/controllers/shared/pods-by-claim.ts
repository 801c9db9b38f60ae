import type { Pod } from '../../../generated/core-v1.ts';

export const byClaim = 'claim';

export const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** Keys of the claims a pod mounts; those of ephemeral volumes are called POD-VOLUME. */
export function claimKeysOf({ metadata, spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap((volume) => {
    const name = volume.ephemeral ? `${metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName;
    return name ? [`${metadata.namespace}/${name}`] : [];
  });
}
