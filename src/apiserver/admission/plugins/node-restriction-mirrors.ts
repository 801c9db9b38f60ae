// Mirror pods: what a kubelet makes to show the pods that it runs of itself. They must open nothing to it.

import type { Pod } from '../../../../generated/core-v1.ts';
import { nodeKind } from '../../../../generated/kinds.ts';
import { firstApiRead } from '../../../api/core/pod-api-reads.ts';
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
  const read = firstApiRead(spec, metadata.name ?? '');
  if (read) throw refuse(request, `node ${quote(node)} can not create pods that reference ${read}`);
}
