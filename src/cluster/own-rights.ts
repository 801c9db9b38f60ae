// Rights of components of our own, beside those that upstream's have.
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '../../generated/rbac-v1.ts';

const apiGroup = 'rbac.authorization.k8s.io';
const apiVersion = `${apiGroup}/v1`;

/**
 * What somebody may do everywhere.
 *
 * @param name of role and binding: `system:coracle:…`
 * @param who an account in kube-system, or a user
 */
export function everywhere(
  name: string,
  who: string | { readonly user: string },
  rules: PolicyRule[],
): (ClusterRole | ClusterRoleBinding)[] {
  const roleRef = { apiGroup, kind: 'ClusterRole', name };
  const subjects = [subjectOf(who)];
  return [
    { apiVersion, kind: 'ClusterRole', metadata: { name }, rules },
    { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects },
  ];
}

/** What an account in kube-system, or a user, may do in that namespace alone. */
export function inKubeSystem(
  name: string,
  who: string | { readonly user: string },
  rules: PolicyRule[],
): (Role | RoleBinding)[] {
  const metadata = { name, namespace: 'kube-system' };
  const roleRef = { apiGroup, kind: 'Role', name };
  return [
    { apiVersion, kind: 'Role', metadata, rules },
    { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects: [subjectOf(who)] },
  ];
}

const subjectOf = (who: string | { readonly user: string }): Subject =>
  typeof who === 'string'
    ? { kind: 'ServiceAccount', name: who, namespace: 'kube-system' }
    : { apiGroup, kind: 'User', name: who.user };
