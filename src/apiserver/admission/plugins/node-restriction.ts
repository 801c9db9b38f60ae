// What a kubelet may write: itself, its lease, the status of its pods, mirror pods. The Node authorizer has let the request
// through by its kind; here its content is looked at. An allow-list: what is not named is refused.

import type { CertificateSigningRequest } from '../../../../generated/certificates-v1.ts';
import type { Node, Pod } from '../../../../generated/core-v1.ts';
import {
  certificateSigningRequestKind,
  csiNodeKind,
  leaseKind,
  nodeKind,
  persistentVolumeClaimKind,
  podKind,
  resourceSliceKind,
  serviceAccountKind,
} from '../../../../generated/kinds.ts';
import type { KindRef } from '../../../api/meta/object.ts';
import { notFound } from '../../../api/meta/status-error.ts';
import { nodeNameOf } from '../../authn/users.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';
import { requestSubject } from '../request-subject.ts';
import { checkClaimStatus } from './node-restriction-claims.ts';
import { checkMirrorPod } from './node-restriction-mirrors.ts';
import { checkTokenRequest } from './node-restriction-tokens.ts';

const leaseNamespace = 'kube-node-lease';

/** The authorizer is asked for which audiences a node may have tokens that no volume names. */
export function nodeRestriction(authorizer: Authorizer): AdmissionPlugin {
  return { name: 'NodeRestriction', admit: (request, context) => check(request, context, authorizer) };
}

function check(
  request: AdmissionRequest,
  context: AdmissionContext,
  authorizer: Authorizer,
): Promise<void> | undefined {
  if (request.operation === 'CONNECT') return undefined;
  const node = nodeNameOf(request.user);
  if (node === undefined) return undefined;
  if (!node) throw refuse(request, `could not determine node from user ${quote(request.user.username)}`);
  const { storage } = request.resource;
  const isKind = (kind: KindRef<any>) => storage.plural === kind.plural && storage.group === kind.group;
  if (isKind(podKind)) checkPod(request, context, node);
  else if (isKind(nodeKind)) checkNode(request, node);
  else if (isAbout(request, persistentVolumeClaimKind, 'status')) checkClaimStatus(request, node);
  else if (isKind(persistentVolumeClaimKind)) throw refuse(request, 'may only update PVC status');
  else if (isAbout(request, serviceAccountKind, 'token')) return checkTokenRequest(request, context, node, authorizer);
  else if (isKind(leaseKind)) checkLease(request, node);
  else if (isKind(csiNodeKind))
    checkOwnName(request, node, 'can only access CSINode with the same name as the requesting node');
  else if (isAbout(request, certificateSigningRequestKind)) return checkSigningRequest(request, node);
  else if (isAbout(request, resourceSliceKind)) checkSlice(request, node);
  return undefined;
}

const quote = (text: string | undefined) => JSON.stringify(text ?? '');

function checkPod(request: AdmissionRequest, { objects }: AdmissionContext, node: string): void {
  const { subresource, operation, namespace, name } = request;
  const isBound = (pod: Pod | undefined) => pod?.spec.nodeName === node;
  if (subresource === 'status') {
    if (operation !== 'UPDATE') throw refuse(request, `unexpected operation ${quote(operation)}`);
    const [next, current] = [request.object as Pod, request.oldObject as Pod];
    if (!isBound(current))
      throw refuse(request, `node ${quote(node)} can only update pod status for pods with spec.nodeName set to itself`);
    if (!sameJson(next.metadata.labels ?? {}, current.metadata.labels ?? {})) {
      throw refuse(request, `node ${quote(node)} cannot update labels through pod status`);
    }
    if (!sameJson(next.status?.resourceClaimStatuses, current.status?.resourceClaimStatuses)) {
      throw refuse(request, `node ${quote(node)} cannot update resource claim statues`);
    }
    if (!sameJson(next.status?.extendedResourceClaimStatus, current.status?.extendedResourceClaimStatus)) {
      throw refuse(request, `node ${quote(node)} cannot update extended resource claim status`);
    }
  } else if (subresource === 'eviction') {
    if (operation !== 'CREATE') throw refuse(request, `unexpected operation ${operation}`);
    const evicted = name || request.object?.metadata.name;
    if (!evicted) throw refuse(request, 'could not determine pod from request data');
    const pod = objects.find(podKind, namespace, evicted);
    if (!pod) throw notFound({ group: '', name: 'pod' }, evicted);
    if (!isBound(pod)) throw refuse(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
  } else if (subresource) {
    throw refuse(request, `unexpected pod subresource ${quote(subresource)}, only 'status' and 'eviction' are allowed`);
  } else if (operation === 'CREATE') {
    checkMirrorPod(request, objects, node);
  } else if (operation === 'DELETE') {
    const pod = objects.find(podKind, namespace, name);
    if (!pod) throw notFound({ group: '', name: 'pod' }, name);
    if (!isBound(pod))
      throw refuse(request, `node ${quote(node)} can only delete pods with spec.nodeName set to itself`);
  } else {
    throw refuse(
      request,
      `unexpected operation ${quote(operation)}, node ${quote(node)} can only create and delete mirror pods`,
    );
  }
}

function checkNode(request: AdmissionRequest, node: string): void {
  const requested = request.name || request.object?.metadata.name;
  if (requested !== node)
    throw refuse(request, `node ${quote(node)} is not allowed to modify node ${quote(requested)}`);
  const [next, current] = [request.object as Node | undefined, request.oldObject as Node | undefined];
  if (request.operation === 'CREATE' && next) {
    if (next.spec?.configSource) {
      throw refuse(request, `node ${quote(node)} is not allowed to create pods with a non-nil configSource`);
    }
    const labels = forbiddenLabels(changedLabels(next.metadata.labels, undefined));
    if (labels.length > 0)
      throw refuse(request, `node ${quote(node)} is not allowed to set the following labels: ${labels.join(', ')}`);
  }
  if (request.operation !== 'UPDATE' || !next || !current) return;
  const source = next.spec?.configSource;
  if (source && !sameJson(source, current.spec?.configSource)) {
    throw refuse(request, `node ${quote(node)} is not allowed to update configSource to a new non-nil configSource`);
  }
  if (!sameJson(next.spec?.taints, current.spec?.taints))
    throw refuse(request, `node ${quote(node)} is not allowed to modify taints`);
  if (!sameJson(next.metadata.ownerReferences, current.metadata.ownerReferences)) {
    throw refuse(request, `node ${quote(node)} is not allowed to modify ownerReferences`);
  }
  const labels = forbiddenLabels(changedLabels(next.metadata.labels, current.metadata.labels));
  if (labels.length > 0) throw refuse(request, `is not allowed to modify labels: ${labels.join(', ')}`);
}

function changedLabels(next: Record<string, string> = {}, current: Record<string, string> = {}): string[] {
  return [...new Set([...Object.keys(next), ...Object.keys(current)])].filter((key) => next[key] !== current[key]);
}

const ownLabels = new Set([
  'kubernetes.io/hostname',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'kubernetes.io/arch',
  'node.kubernetes.io/windows-build',
]);
const ownDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

/** Labels that pods are steered by: a node must not choose them for itself. */
function forbiddenLabels(keys: readonly string[]): string[] {
  const isUnder = (domain: string, parent: string) => domain === parent || domain.endsWith(`.${parent}`);
  const forbidden = keys.filter((key) => {
    const [domain] = key.includes('/') ? key.split('/') : [''];
    if (!domain) return false;
    if (isUnder(domain, 'node-restriction.kubernetes.io')) return true;
    if (!isUnder(domain, 'kubernetes.io') && !isUnder(domain, 'k8s.io')) return false;
    return !ownLabels.has(key) && !ownDomains.some((own) => isUnder(domain, own));
  });
  return forbidden.sort();
}

function checkLease(request: AdmissionRequest, node: string): void {
  if (request.namespace !== leaseNamespace)
    throw refuse(request, `can only access leases in the "${leaseNamespace}" system namespace`);
  checkOwnName(request, node, 'can only access node lease with the same name as the requesting node');
}

function checkOwnName(request: AdmissionRequest, node: string, problem: string): void {
  if ((request.name || request.object?.metadata.name) !== node) throw refuse(request, problem);
}

const nodeSigners = new Set(['kubernetes.io/kube-apiserver-client-kubelet', 'kubernetes.io/kubelet-serving']);

/** A node asks for certificates in its own name only. */
async function checkSigningRequest(request: AdmissionRequest, node: string): Promise<void> {
  const { spec } = request.object as CertificateSigningRequest;
  if (request.operation !== 'CREATE' || !nodeSigners.has(spec.signerName)) return;
  const [, block] = /-----BEGIN ([^-]*)-----/.exec(Buffer.from(spec.request, 'base64').toString()) ?? [];
  if (block !== 'CERTIFICATE REQUEST') {
    throw refuse(request, 'unable to parse csr: PEM block type must be CERTIFICATE REQUEST');
  }
  const { commonName } = await requestSubject(request, spec.request);
  if (commonName === `system:node:${node}`) return;
  throw refuse(request, `can only create a node CSR with CN=system:node:${node}`);
}

function checkSlice(request: AdmissionRequest, node: string): void {
  const of = (object: unknown) => (object as { spec?: { nodeName?: string } } | undefined)?.spec?.nodeName;
  if (request.operation === 'CREATE' && of(request.object) !== node) {
    throw refuse(request, 'can only create ResourceSlice with the same NodeName as the requesting node');
  }
  if (request.operation === 'DELETE' && of(request.oldObject) !== node) {
    throw refuse(request, 'can only delete ResourceSlice with the same NodeName as the requesting node');
  }
}

/** Both are in canonical form, so their fields come in one order. */
const sameJson = (left: unknown, right: unknown) => JSON.stringify(left) === JSON.stringify(right);
