// What of the API a pod would have its node read: a pod that a node runs of itself may need none of it.
import type { PodSpec, Volume } from '../../../generated/core-v1.ts';
import { podReferences } from './pod-references.ts';

/** The first kind of thing, in upstream's words; undefined: nothing. `podName` as for `podReferences`. */
export function firstApiRead(spec: PodSpec, podName: string): string | undefined {
  const { serviceAccount, secrets, configMaps } = podReferences(spec, podName);
  if (serviceAccount) return 'serviceaccounts';
  if (secrets.size > 0) return 'secrets';
  if (configMaps.size > 0) return 'configmaps';
  if (spec.resourceClaims?.length) return 'resourceclaims';
  for (const volume of spec.volumes ?? []) {
    const read = readOfVolume(volume);
    if (read) return read;
  }
  return undefined;
}

function readOfVolume(volume: Volume): string | undefined {
  // A reference without a name is one.
  if (volume.configMap) return 'configmaps (via configmap volumes)';
  if (volume.secret) return 'secrets (via secret volumes)';
  if (volume.csi) return 'csidrivers (via CSI volumes)';
  if (volume.glusterfs) return 'endpoints (via glusterFS volumes)';
  if (volume.persistentVolumeClaim) return 'persistentvolumeclaims';
  if (volume.ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)';
  if (volume.azureFile) return 'secrets (via azureFile volumes)';
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap) return 'configmaps (via projected volumes)';
    if (source.secret) return 'secrets (via projected volumes)';
    if (source.serviceAccountToken) return 'serviceaccounts (via projected volumes)';
    if (source.clusterTrustBundle) return 'clustertrustbundles';
    if (source.podCertificate) return 'podcertificates';
  }
  return undefined;
}
