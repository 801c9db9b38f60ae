// Mirror pods: what a kubelet makes to show the pods that it runs of itself. They must open nothing to it.

import type { Pod, PodSpec, Volume } from '../../../../generated/core-v1.ts';
import { nodeKind } from '../../../../generated/kinds.ts';
import { podReferences } from '../../../api/core/pod-references.ts';
import { notFound } from '../../../api/meta/status-error.ts';
import type { AdmissionContext, AdmissionRequest } from '../plugin.ts';
import { refuse } from '../refuse.ts';

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const quote = (text: string) => JSON.stringify(text);

export function checkMirrorPod(request: AdmissionRequest, objects: AdmissionContext['objects'], node: string): void {
  const { metadata, spec } = request.object as Pod;
  const may = (what: string) => refuse(request, `node ${quote(node)} can only create pods with ${what}`);
  if (metadata.annotations?.[mirrorAnnotation] === undefined) {
    throw refuse(
      request,
      `pod does not have ${quote(mirrorAnnotation)} annotation, node ${quote(node)} can only create mirror pods`,
    );
  }
  if (spec.nodeName !== node) throw may('spec.nodeName set to itself');
  const owners = metadata.ownerReferences ?? [];
  if (owners.length > 1) throw may('a single owner reference set to itself');
  const [owner] = owners;
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
    throw may('an owner reference set to itself');
  if (!owner.controller) throw may('a controller owner reference set to itself');
  if (owner.blockOwnerDeletion)
    throw refuse(request, `node ${quote(node)} must not set blockOwnerDeletion on an owner reference`);
  const found = objects.find(nodeKind, '', node);
  if (!found) throw notFound({ group: '', name: 'node' }, node);
  const { uid = '' } = found.metadata;
  if (uid !== owner.uid) throw refuse(request, `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`);
  const read = whatItReads(spec, metadata.name ?? '');
  if (read) throw refuse(request, `node ${quote(node)} can not create pods that reference ${read}`);
}

/** The first kind of thing in the API that the pod would have its node read. */
function whatItReads(spec: PodSpec, name: string): string | undefined {
  const { serviceAccount, secrets, configMaps } = podReferences(spec, name);
  if (serviceAccount) return 'serviceaccounts';
  if (secrets.size > 0) return 'secrets';
  if (configMaps.size > 0) return 'configmaps';
  if (spec.resourceClaims?.length) return 'resourceclaims';
  for (const volume of spec.volumes ?? []) {
    const read = whatVolumeReads(volume);
    if (read) return read;
  }
  return undefined;
}

function whatVolumeReads(volume: Volume): string | undefined {
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
