// The Node authorizer: a kubelet reads what the pods bound to its node name, and writes its own node, lease and their
// status. Which object exactly it may write, the NodeRestriction admission plugin says.

import { podKind, resourceSliceKind, volumeAttachmentKind } from '../../../generated/kinds.ts';
import { nodeNameOf } from '../authn/users.ts';
import type { ObjectReader } from '../registry/object-reader.ts';
import { requiredValue } from './asked-selectors.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts';
import { NodeRelations, type Referred } from './node-relations.ts';
import { loadPolicyFacts } from './rbac-policy.ts';
import { ruleAllows } from './rule-match.ts';

const leaseNamespace = 'kube-node-lease';

const allow: Decision = { verdict: 'allow', reason: '' };
const none = (reason = ''): Decision => ({ verdict: 'none', reason });

/** One resource's rules: undefined when there is nothing special about it. */
type ResourceRule = (node: string, asked: AuthorizationAttributes, known: Known) => Decision;

interface Known {
  readonly objects: ObjectReader;
  readonly relations: NodeRelations;
}

const resourceRules: Readonly<Record<string, ResourceRule>> = {
  'secrets.': (node, asked, known) => {
    const { namespace, name } = asked;
    const isMounted = () => known.relations.mountsWith(node, namespace, name);
    return readNamespaced(asked) ?? related(node, asked, () => refers(node, 'secrets', asked, known) || isMounted());
  },
  'configmaps.': (node, asked, known) =>
    readNamespaced(asked) ?? related(node, asked, () => refers(node, 'configMaps', asked, known)),
  'persistentvolumeclaims.': (node, asked, known) => {
    const refusal = asked.subresource === 'status' ? writeStatus(asked) : getOnly(asked);
    return refusal ?? related(node, asked, () => refers(node, 'claims', asked, known));
  },
  'persistentvolumes.': (node, asked, { relations }) =>
    getOnly(asked) ?? related(node, asked, () => relations.mounts(node, asked.name)),
  'volumeattachments.storage.k8s.io': (node, asked, { objects }) => {
    const isItsOwn = () => objects.find(volumeAttachmentKind, '', asked.name)?.spec.nodeName === node;
    return getOnly(asked) ?? related(node, asked, isItsOwn);
  },
  'serviceaccounts.': (node, asked, known) => {
    const isUsed = () => refers(node, 'serviceAccounts', asked, known);
    if (asked.verb === 'get' && !asked.subresource) return readNamespaced(asked) ?? related(node, asked, isUsed);
    if (asked.verb !== 'create' || !asked.name) return none('can only create tokens for individual service accounts');
    if (asked.subresource !== 'token') return none('can only create token subresource of serviceaccount');
    return related(node, asked, isUsed);
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
  'resourceclaims.resource.k8s.io': (node, asked, known) =>
    getOnly(asked) ?? related(node, asked, () => refers(node, 'resourceClaims', asked, known)),
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
  const known: Known = { objects, relations: new NodeRelations(objects) };
  return {
    rulesFor(user) {
      const isNode = nodeNameOf(user) !== undefined;
      const errors = isNode ? ['node authorizer does not support user rule resolution'] : [];
      return { resourceRules: [], nonResourceRules: [], incomplete: isNode, errors };
    },
    authorize(asked) {
      const node = nodeNameOf(asked.user);
      if (node === undefined) return none();
      if (!node) return none(`unknown node for user ${JSON.stringify(asked.user.username)}`);
      const special = asked.isResource ? resourceRules[`${asked.resource}.${asked.group}`] : undefined;
      if (special) return special(node, asked, known);
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

function podRule(node: string, asked: AuthorizationAttributes, { objects }: Known): Decision {
  const { verb, subresource } = asked;
  if (subresource === 'status') return writeVerbs.has(verb) ? allow : none();
  if (subresource === 'eviction') return verb === 'create' ? allow : none();
  if (subresource) return none();
  if (verb === 'create' || verb === 'delete') return allow;
  const isBound = () => objects.find(podKind, asked.namespace, asked.name)?.spec.nodeName === node;
  if (verb === 'get') return related(node, asked, isBound);
  if (verb !== 'list' && verb !== 'watch') return none();
  if (requiredValue(asked.fieldSelector, 'spec.nodeName') === node) return allow;
  if (asked.name) return related(node, asked, isBound);
  return none('can only list/watch pods with spec.nodeName field selector');
}

function sliceRule(node: string, asked: AuthorizationAttributes, { objects }: Known): Decision {
  const { verb, name, subresource, fieldSelector } = asked;
  if (subresource) return none('cannot authorize ResourceSlice subresources');
  if (verb === 'create') return allow;
  if (verb === 'get' || verb === 'delete' || writeVerbs.has(verb)) {
    return related(node, asked, () => objects.find(resourceSliceKind, '', name)?.spec.nodeName === node);
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

function related(node: string, asked: AuthorizationAttributes, isRelated: () => boolean): Decision {
  if (!asked.name) return none('No Object name found');
  return isRelated() ? allow : none(`no relationship found between node '${node}' and this object`);
}

function refers(node: string, what: Referred, { namespace, name }: AuthorizationAttributes, { relations }: Known) {
  return relations.refers(node, what, namespace, name);
}
