// What a cluster has before anybody made anything.
import type { ConfigMap, Namespace } from '../../../generated/core-v1.ts';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding, Subject } from '../../../generated/rbac-v1.ts';
import type { PriorityClass } from '../../../generated/scheduling-v1.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { defaultPolicy } from './rbac-policy.ts';

type RbacObject = ClusterRole | ClusterRoleBinding | Role | RoleBinding;

/** Namespaces first, since others live in them. `ensure` each: create what is missing, then `reconcileBootstrap` the rest. */
export function bootstrapObjects(nowMs: number): KubernetesObject[] {
  return [
    ...['kube-system', 'kube-public', 'kube-node-lease', 'default'].map(namespace),
    priorityClass(
      'system-node-critical',
      2000001000,
      'Used for system critical pods that must not be moved from their current node.',
    ),
    priorityClass(
      'system-cluster-critical',
      2000000000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
    tokenTracking(nowMs),
    ...defaultPolicy(),
  ];
}

/** Since which day the use of tokens in Secrets is noted. */
function tokenTracking(nowMs: number): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' },
    data: { since: new Date(nowMs).toISOString().slice(0, 10) },
  };
}

function namespace(name: string): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {}, status: {} };
}

function priorityClass(name: string, value: number, description: string): PriorityClass {
  return {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    description,
    preemptionPolicy: 'PreemptLowerPriority',
  };
}

/**
 * What to write when the cluster already has a default role or binding: missing rules, subjects, labels and annotations are
 * added, what was added by hand stays. Undefined: nothing to do, or the object opted out (autoupdate=false).
 * A binding whose roleRef differs must be deleted and made again: `isReplaced`.
 */
export function reconcileBootstrap(
  current: KubernetesObject,
  wanted: KubernetesObject,
): { object: KubernetesObject; isReplaced: boolean } | undefined {
  if (!wanted.apiVersion?.startsWith('rbac.')) return undefined;
  if (current.metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate'] === 'false') return undefined;
  const [have, want] = [current as RbacObject, wanted as RbacObject];
  const object = structuredClone(have) as Record<string, any>;
  object['metadata'].labels = { ...have.metadata.labels, ...want.metadata.labels };
  object['metadata'].annotations = { ...want.metadata.annotations, ...have.metadata.annotations };
  if ('roleRef' in want) {
    if (!isSame((have as RoleBinding).roleRef, want.roleRef)) return { object: wanted, isReplaced: true };
    object['subjects'] = union((have as RoleBinding).subjects, want.subjects as Subject[] | undefined);
  } else if (!('aggregationRule' in want && want.aggregationRule)) {
    object['rules'] = union((have as Role).rules, (want as Role).rules);
  }
  if (object['subjects']?.length === 0) delete object['subjects'];
  return isSame(object, have) ? undefined : { object: object as KubernetesObject, isReplaced: false };
}

function union<T>(have: readonly T[] | undefined, want: readonly T[] | undefined): T[] {
  const known = new Set((have ?? []).map(fingerprint));
  return [...(have ?? []), ...(want ?? []).filter((each) => !known.has(fingerprint(each)))];
}

/** The same whatever order the fields came in. */
function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    const isPlain = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
    return isPlain ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner;
  });
}

const isSame = (left: unknown, right: unknown) => fingerprint(left) === fingerprint(right);
