// Tokens that a kubelet asks for: each bound to a pod of its node, and for an audience that the pod's volumes name.

import type { TokenRequest } from '../../../../generated/authentication-v1.ts';
import type { PersistentVolume, Pod, Volume } from '../../../../generated/core-v1.ts';
import {
  csiDriverKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
} from '../../../../generated/kinds.ts';
import { goQuote } from '../../../api/meta/field-errors.ts';
import type { KindRef, KubernetesObject } from '../../../api/meta/object.ts';
import { notFound } from '../../../api/meta/status-error.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { aggregate } from '../../authz/union.ts';
import type { ObjectReader } from '../../registry/object-reader.ts';
import type { AdmissionContext, AdmissionRequest } from '../plugin.ts';
import { refuse } from '../refuse.ts';

/** A node may ask for tokens of any audience that this verb allows it, on a resource that is named as the audience. */
const audienceVerb = 'request-serviceaccounts-token-audience';

export async function checkTokenRequest(
  request: AdmissionRequest,
  { objects }: AdmissionContext,
  node: string,
  authorizer: Authorizer,
): Promise<void> {
  const { spec } = request.object as unknown as TokenRequest;
  const bound = spec.boundObjectRef;
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) {
    throw refuse(request, 'node requested token not bound to a pod');
  }
  if (!bound.uid) throw refuse(request, 'node requested token with a pod binding without a uid');
  const pod = objects.find(podKind, request.namespace, bound.name);
  if (!pod) throw notFound({ group: '', name: 'pod' }, bound.name);
  if (bound.uid !== pod.metadata.uid) {
    const problem = `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw refuse(request, problem);
  }
  if (pod.spec.nodeName !== node) {
    throw refuse(request, 'node requested token bound to a pod scheduled on a different node');
  }
  const problem = await whyNotAudience(request, spec.audiences ?? [], pod, objects, authorizer);
  if (problem) throw refuse(request, problem);
}

async function whyNotAudience(
  { namespace, name, user }: AdmissionRequest,
  audiences: readonly string[],
  pod: Pod,
  objects: ObjectReader,
  authorizer: Authorizer,
): Promise<string | undefined> {
  if (audiences.length > 1) return 'node may only request 0 or 1 audiences';
  const [audience = ''] = audiences;
  const errors: string[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    if (
      volume.projected?.sources?.some(
        (each) => each.serviceAccountToken && (each.serviceAccountToken.audience ?? '') === audience,
      )
    )
      return undefined;
    const driver = driverOf(volume, pod, objects, errors);
    if (driver === undefined) continue;
    const found = read(objects, csiDriverKind, '', driver, errors);
    if (found?.spec.tokenRequests?.some((each) => (each.audience ?? '') === audience)) return undefined;
  }
  if (errors.length > 0) return `error validating audience ${goQuote(audience)}: ${aggregate(errors)}`;
  const { verdict } = await authorizer.authorize({
    user,
    verb: audienceVerb,
    isResource: true,
    group: '',
    version: 'v1',
    resource: audience,
    subresource: '',
    namespace,
    name,
    path: '',
  });
  if (verdict === 'allow') return undefined;
  return `audience ${goQuote(audience)} not found in pod spec volume, ${user.username} is not authorized to request tokens for this audience`;
}

/** The driver that mounts the volume: it may have tokens of the pod for audiences of its own. */
function driverOf(volume: Volume, pod: Pod, objects: ObjectReader, errors: string[]): string | undefined {
  const { ephemeral, persistentVolumeClaim, csi } = volume;
  const { namespace = '', name } = pod.metadata;
  if (ephemeral?.volumeClaimTemplate) return driverOfClaim(namespace, `${name}-${volume.name}`, objects, errors);
  if (persistentVolumeClaim) return driverOfClaim(namespace, persistentVolumeClaim.claimName, objects, errors);
  return csi?.driver ?? driverOfInTree(volume);
}

function driverOfClaim(namespace: string, claim: string, objects: ObjectReader, errors: string[]): string | undefined {
  const found = read(objects, persistentVolumeClaimKind, namespace, claim, errors);
  const volume = found && read(objects, persistentVolumeKind, '', found.spec?.volumeName ?? '', errors);
  return volume && (volume.spec.csi?.driver ?? driverOfInTree(volume.spec));
}

const inTreeDrivers = [
  ['awsElasticBlockStore', 'ebs.csi.aws.com'],
  ['gcePersistentDisk', 'pd.csi.storage.gke.io'],
  ['cinder', 'cinder.csi.openstack.org'],
  ['azureDisk', 'disk.csi.azure.com'],
  ['azureFile', 'file.csi.azure.com'],
  ['vsphereVolume', 'csi.vsphere.vmware.com'],
  ['portworxVolume', 'pxd.portworx.com'],
] as const;

/** What was in the tree is mounted by drivers now. */
function driverOfInTree(source: Volume | PersistentVolume['spec']): string | undefined {
  return inTreeDrivers.find(([field]) => source[field])?.[1];
}

function read<T extends KubernetesObject>(
  objects: ObjectReader,
  kind: KindRef<T>,
  namespace: string,
  name: string,
  errors: string[],
): T | undefined {
  const found = name ? objects.find(kind, namespace, name) : undefined;
  if (!found) errors.push(notFound({ group: kind.group, name: kind.kind.toLowerCase() }, name).message);
  return found;
}
