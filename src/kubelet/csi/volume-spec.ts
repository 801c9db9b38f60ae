// What there is to know of a volume before it is mounted, inline or by a claim.
import type { PersistentVolume, Pod, SecretReference, Volume } from '../../../generated/core-v1.ts';
import { csiPrefix, csiVolumeName } from '../../api/storage/attachable-volumes.ts';
import { inlineHandle } from './layout.ts';
import type { CapabilityWish } from './node-client.ts';

export interface CsiVolumeSpec {
  /** As the pod calls it. */
  readonly podVolume: string;
  /** Of the PersistentVolume; inline, as the pod calls it. */
  readonly name: string;
  readonly driver: string;
  readonly handle: string;
  readonly uniqueName: string;
  readonly mode: 'Persistent' | 'Ephemeral';
  readonly isBlock: boolean;
  readonly readOnly: boolean;
  readonly fsType: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Undefined where the volume does not say. */
  readonly accessModes: readonly string[] | undefined;
  readonly mountOptions: readonly string[];
  readonly stageSecret?: SecretReference | undefined;
  readonly publishSecret?: SecretReference | undefined;
  readonly expandSecret?: SecretReference | undefined;
  /** Absent inline. */
  readonly volume?: PersistentVolume;
}

export function inlineSpec(pod: Pod, { name, csi }: Volume): CsiVolumeSpec {
  const { driver, readOnly, fsType, volumeAttributes, nodePublishSecretRef } = csi!;
  const handle = inlineHandle(pod.metadata.uid!, name);
  return {
    podVolume: name,
    name,
    driver,
    handle,
    uniqueName: `${csiPrefix}${pod.metadata.uid}-${name}`,
    mode: 'Ephemeral',
    isBlock: false,
    readOnly: readOnly ?? false,
    fsType: fsType ?? '',
    attributes: volumeAttributes ?? {},
    accessModes: undefined,
    mountOptions: [],
    publishSecret: nodePublishSecretRef && {
      name: nodePublishSecretRef.name ?? '',
      namespace: pod.metadata.namespace!,
    },
  };
}

/** @param volume of a CSI driver */
export function persistentSpec(podVolume: string, volume: PersistentVolume, readOnly: boolean): CsiVolumeSpec {
  const { csi, accessModes, mountOptions, volumeMode } = volume.spec!;
  const { driver, volumeHandle: handle } = csi!;
  return {
    podVolume,
    name: volume.metadata.name,
    driver,
    handle,
    uniqueName: csiVolumeName(driver, handle),
    mode: 'Persistent',
    isBlock: volumeMode === 'Block',
    readOnly,
    fsType: csi!.fsType ?? '',
    attributes: csi!.volumeAttributes ?? {},
    accessModes,
    mountOptions: mountOptions ?? [],
    stageSecret: csi!.nodeStageSecretRef,
    publishSecret: csi!.nodePublishSecretRef,
    expandSecret: csi!.nodeExpandSecretRef,
    volume,
  };
}

export function wishOf(spec: CsiVolumeSpec, group?: number): CapabilityWish {
  return {
    isBlock: spec.isBlock,
    fsType: spec.isBlock ? '' : spec.fsType,
    mountOptions: spec.isBlock ? [] : spec.mountOptions,
    accessMode: spec.accessModes?.[0] ?? 'ReadWriteOnce',
    group,
  };
}

export const claimOf = ({ volume }: CsiVolumeSpec): { namespace: string; name: string } | undefined =>
  volume?.spec?.claimRef?.name
    ? { namespace: volume.spec.claimRef.namespace ?? '', name: volume.spec.claimRef.name }
    : undefined;
