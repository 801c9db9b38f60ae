// The Node authorizer: a kubelet reads what the pods bound to its node name, and writes its own node, lease and their
// status. Which object exactly it may write, the NodeRestriction admission plugin says.

import type { Pod } from '../../../generated/core-v1.ts';
import { persistentVolumeKind, podKind, resourceSliceKind, volumeAttachmentKind } from '../../../generated/kinds.ts';
import { type PodReferences, podReferences, volumeSecretRefs } from '../../api/core/pod-references.ts';
import { nodeNameOf } from '../authn/users.ts';
import type { ObjectReader } from '../registry/object-reader.ts';
import { requiredValue } from './asked-selectors.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts';
import { loadPolicyFacts } from './rbac-policy.ts';
import { ruleAllows } from './rule-match.ts';

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const leaseNamespace = 'kube-node-lease';

const allow: Decision = { verdict: 'allow', reason: '' };
const none = (reason = ''): Decision => ({ verdict: 'none', reason });

/** One resource's rules: undefined when there is nothing special about it. */
type ResourceRule = (node: string, asked: AuthorizationAttributes, objects: ObjectReader) => Decision;

const resourceRules: Readonly<Record<string, ResourceRule>> = {
  'secrets.': (node, asked, objects) =>
    readNamespaced(asked) ?? related(node, asked, secretIsNeeded(node, asked, objects)),
  'configmaps.': (node, asked, objects) => {
    const isNeeded = needs(node, asked, objects, ({ configMaps }) => configMaps.has(asked.name));
    return readNamespaced(asked) ?? related(node, asked, isNeeded);
  },
  'persistentvolumeclaims.': (node, asked, objects) => {
    const isNeeded = needs(node, asked, objects, ({ claims }) => claims.has(asked.name));
    const refusal = asked.subresource === 'status' ? writeStatus(asked) : getOnly(asked);
    return refusal ?? related(node, asked, isNeeded);
  },
  'persistentvolumes.': (node, asked, objects) =>
    getOnly(asked) ?? related(node, asked, volumeIsNeeded(node, asked, objects)),
  'volumeattachments.storage.k8s.io': (node, asked, objects) => {
    const attachment = objects.find(volumeAttachmentKind, '', asked.name);
    return getOnly(asked) ?? related(node, asked, attachment?.spec.nodeName === node);
  },
  'serviceaccounts.': (node, asked, objects) => {
    const isNeeded = needs(node, asked, objects, ({ serviceAccount }) => serviceAccount === asked.name);
    if (asked.verb === 'get' && !asked.subresource) return readNamespaced(asked) ?? related(node, asked, isNeeded);
    if (asked.verb !== 'create' || !asked.name) return none('can only create tokens for individual service accounts');
    if (asked.subresource !== 'token') return none('can only create token subresource of serviceaccount');
    return related(node, asked, isNeeded);
  },
  'leases.coordination.k8s.io': (node, asked) => {
    if (!ownVerbs.has(asked.verb)) return none('can only get, create, update, patch, or delete a node lease');
    if (asked.namespace !== leaseNamespace)
      return none(`can only access leases in the "${leaseNamespace}" system namespace`);
    if (asked.verb !== 'create' && asked.name !== node) {
      return none('can only access node lease with the same name as the requesting node');
    }
    return allow;
  },
  'csinodes.storage.k8s.io': (node, asked) => {
    if (!ownVerbs.has(asked.verb)) return none('can only get, create, update, patch, or delete a CSINode');
    if (asked.subresource) return none('cannot authorize CSINode subresources');
    if (asked.verb !== 'create' && asked.name !== node)
      return none('can only access CSINode with the same name as the requesting node');
    return allow;
  },
  'resourceclaims.resource.k8s.io': (node, asked, objects) => {
    const refusal = getOnly(asked);
    return refusal ?? related(node, asked, claimedBy(node, asked, objects));
  },
  'resourceslices.resource.k8s.io': sliceRule,
  // Of a feature that is off.
  'podcertificaterequests.certificates.k8s.io': () => none(),
  'nodes.': nodeRule,
  'pods.': podRule,
};

const ownVerbs = new Set(['get', 'create', 'update', 'patch', 'delete']);
const readVerbs = new Set(['get', 'list', 'watch']);
const writeVerbs = new Set(['update', 'patch']);

export function nodeAuthorizer(objects: ObjectReader): Authorizer {
  const rules = loadPolicyFacts().clusterRoles.find(({ name }) => name === 'system:node')?.rules ?? [];
  return {
    authorize(asked) {
      const node = nodeNameOf(asked.user);
      if (node === undefined) return none();
      if (!node) return none(`unknown node for user ${JSON.stringify(asked.user.username)}`);
      const special = asked.isResource ? resourceRules[`${asked.resource}.${asked.group}`] : undefined;
      if (special) return special(node, asked, objects);
      return rules.some((rule) => ruleAllows(rule, asked)) ? allow : none();
    },
  };
}

function nodeRule(node: string, asked: AuthorizationAttributes): Decision {
  if (asked.subresource === 'status') return writeVerbs.has(asked.verb) ? allow : none();
  if (asked.subresource) return none();
  if (asked.verb === 'create' || writeVerbs.has(asked.verb)) return allow;
  if (!readVerbs.has(asked.verb)) return none();
  const { name } = asked;
  if (name === node) return allow;
  return none(
    name
      ? `node '${node}' cannot read '${name}', only its own Node object`
      : `node '${node}' cannot read all nodes, only its own Node object`,
  );
}

function podRule(node: string, asked: AuthorizationAttributes, objects: ObjectReader): Decision {
  const { verb, subresource } = asked;
  if (subresource === 'status') return writeVerbs.has(verb) ? allow : none();
  if (subresource === 'eviction') return verb === 'create' ? allow : none();
  if (subresource) return none();
  if (verb === 'create' || verb === 'delete') return allow;
  const isBound = () => objects.find(podKind, asked.namespace, asked.name)?.spec.nodeName === node;
  if (verb === 'get') return related(node, asked, isBound());
  if (verb !== 'list' && verb !== 'watch') return none();
  if (requiredValue(asked.fieldSelector, 'spec.nodeName') === node) return allow;
  if (asked.name) return related(node, asked, isBound());
  return none('can only list/watch pods with spec.nodeName field selector');
}

function sliceRule(node: string, asked: AuthorizationAttributes, objects: ObjectReader): Decision {
  const { verb, name, subresource, fieldSelector } = asked;
  if (subresource) return none('cannot authorize ResourceSlice subresources');
  if (verb === 'create') return allow;
  if (verb === 'get' || verb === 'delete' || writeVerbs.has(verb)) {
    return related(node, asked, objects.find(resourceSliceKind, '', name)?.spec.nodeName === node);
  }
  if (verb === 'list' || verb === 'watch' || verb === 'deletecollection') {
    if (requiredValue(fieldSelector, 'spec.nodeName') === node) return allow;
    return none('can only list/watch/deletecollection resourceslices with nodeName field selector');
  }
  return none(
    'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
  );
}

function readNamespaced({ verb, subresource, namespace }: AuthorizationAttributes): Decision | undefined {
  if (!readVerbs.has(verb)) return none('can only read resources of this type');
  if (subresource) return none('cannot read subresource');
  return namespace ? undefined : none('can only read namespaced object of this type');
}

function getOnly({ verb, subresource }: AuthorizationAttributes): Decision | undefined {
  if (verb !== 'get') return none('can only get individual resources of this type');
  return subresource ? none('cannot get subresource') : undefined;
}

function writeStatus({ verb }: AuthorizationAttributes): Decision | undefined {
  return writeVerbs.has(verb) ? undefined : none('can only get/update/patch this type');
}

function related(node: string, asked: AuthorizationAttributes, isRelated: boolean): Decision {
  if (!asked.name) return none('No Object name found');
  return isRelated ? allow : none(`no relationship found between node '${node}' and this object`);
}

/** Pods of a revision never change, so what they refer to is worked out once. */
const referencesOf = new WeakMap<Pod, PodReferences>();

function references(pod: Pod): PodReferences {
  let found = referencesOf.get(pod);
  if (!found) {
    found = podReferences(pod.spec, pod.metadata.name ?? '');
    referencesOf.set(pod, found);
  }
  return found;
}

function* boundPods(node: string, namespace: string | undefined, objects: ObjectReader): Generator<Pod> {
  for (const pod of objects.list(podKind, namespace)) {
    // A mirror pod is the node's own word: it must not open anything to it.
    if (pod.spec.nodeName === node && !pod.metadata.annotations?.[mirrorAnnotation]) yield pod;
  }
}

function needs(
  node: string,
  asked: AuthorizationAttributes,
  objects: ObjectReader,
  isNeededBy: (references: PodReferences) => boolean,
): boolean {
  if (!asked.namespace || !asked.name) return false;
  for (const pod of boundPods(node, asked.namespace, objects)) if (isNeededBy(references(pod))) return true;
  return false;
}

function secretIsNeeded(node: string, asked: AuthorizationAttributes, objects: ObjectReader): boolean {
  if (needs(node, asked, objects, ({ secrets }) => secrets.has(asked.name))) return true;
  return objects.list(persistentVolumeKind).some((volume) => {
    const isNamed = volumeSecretRefs(volume).some(
      ({ name, namespace }) => name === asked.name && namespace === asked.namespace,
    );
    const { claimRef } = volume.spec;
    return isNamed && claimIsMounted(node, claimRef?.namespace ?? '', claimRef?.name ?? '', objects);
  });
}

function volumeIsNeeded(node: string, asked: AuthorizationAttributes, objects: ObjectReader): boolean {
  const { claimRef } = objects.find(persistentVolumeKind, '', asked.name)?.spec ?? {};
  return claimRef !== undefined && claimIsMounted(node, claimRef.namespace ?? '', claimRef.name ?? '', objects);
}

function claimIsMounted(node: string, namespace: string, claim: string, objects: ObjectReader): boolean {
  for (const pod of boundPods(node, namespace, objects)) if (references(pod).claims.has(claim)) return true;
  return false;
}

/** Claims for devices: named in the pod, or made for it and told in its status. */
function claimedBy(node: string, { namespace, name }: AuthorizationAttributes, objects: ObjectReader): boolean {
  if (!namespace || !name) return false;
  for (const { spec, status } of boundPods(node, namespace, objects)) {
    const made = new Map(status?.resourceClaimStatuses?.map((each) => [each.name, each.resourceClaimName]));
    const isNamed = spec.resourceClaims?.some(
      (claim) => (claim.resourceClaimName ?? (claim.resourceClaimTemplateName ? made.get(claim.name) : '')) === name,
    );
    if (isNamed || status?.extendedResourceClaimStatus?.resourceClaimName === name) return true;
  }
  return false;
}
