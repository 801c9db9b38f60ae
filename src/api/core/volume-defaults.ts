// Defaults of volumes: file modes, file systems, pull policies.
import type { ObjectFieldSelector, ProjectedVolumeSource, Volume } from '../../../generated/core-v1.ts';
import { defaultPullPolicy } from './image-name.ts';
import { defaultResources } from './resource-defaults.ts';

/** 0644: what files of Secrets, ConfigMaps and the downward API get. */
const fileMode = 0o644;

const nonSources = new Set(['name']);

/** `needsSource`: without one it is a directory of its own. */
export function defaultVolume(volume: Volume, needsSource = true): void {
  if (
    needsSource &&
    !Object.keys(volume).some((key) => !nonSources.has(key) && volume[key as keyof Volume] !== undefined)
  ) {
    volume.emptyDir = {};
  }
  const { secret, configMap, downwardAPI, projected, hostPath, iscsi, rbd, azureDisk, scaleIO, ephemeral, image } =
    volume;
  if (secret) secret.defaultMode ??= fileMode;
  if (configMap) configMap.defaultMode ??= fileMode;
  if (downwardAPI) {
    downwardAPI.defaultMode ??= fileMode;
    for (const item of downwardAPI.items ?? []) defaultFieldRef(item.fieldRef);
  }
  if (projected) defaultProjected(projected);
  if (hostPath) hostPath.type ??= '' as never;
  if (iscsi) iscsi.iscsiInterface ||= 'default';
  if (rbd) {
    rbd.pool ||= 'rbd';
    rbd.user ||= 'admin';
    rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite' as never;
    azureDisk.kind ??= 'Shared' as never;
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned';
    scaleIO.fsType ||= 'xfs';
  }
  const claim = ephemeral?.volumeClaimTemplate?.spec;
  if (claim) {
    claim.volumeMode ??= 'Filesystem' as never;
    defaultResources(claim.resources);
  }
  if (image) image.pullPolicy ||= defaultPullPolicy(image.reference);
}

function defaultProjected(projected: ProjectedVolumeSource): void {
  projected.defaultMode ??= fileMode;
  for (const source of projected.sources ?? []) {
    for (const item of source.downwardAPI?.items ?? []) defaultFieldRef(item.fieldRef);
    if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600;
  }
}

export function defaultFieldRef(reference: ObjectFieldSelector | undefined): void {
  if (reference) reference.apiVersion ||= 'v1';
}
