// Defaults of volumes: file modes, file systems, pull policies.
import type { ObjectFieldSelector, ProjectedVolumeSource, Volume } from '../../../generated/core-v1.ts';
import { defaultPullPolicy } from './image-name.ts';

/** 0644: what files of Secrets, ConfigMaps and the downward API get. */
const fileMode = 0o644;

const nonSources = new Set(['name']);

export function defaultVolume(volume: Volume): void {
  if (!Object.keys(volume).some((key) => !nonSources.has(key) && volume[key as keyof Volume] !== undefined)) {
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
  if (ephemeral?.volumeClaimTemplate?.spec) ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem' as never;
  if (image) image.pullPolicy ||= defaultPullPolicy(image.reference);
}

function defaultProjected(projected: ProjectedVolumeSource): void {
  projected.defaultMode ??= fileMode;
  for (const source of projected.sources ?? []) {
    // Sources that clusters do not have unless they are asked to: upstream leaves them out.
    delete source.clusterTrustBundle;
    delete source.podCertificate;
    for (const item of source.downwardAPI?.items ?? []) defaultFieldRef(item.fieldRef);
    if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600;
  }
}

export function defaultFieldRef(reference: ObjectFieldSelector | undefined): void {
  if (reference) reference.apiVersion ||= 'v1';
}
