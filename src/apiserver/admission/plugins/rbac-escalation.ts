// Who writes a role or a binding must hold what it grants; see authz/escalation.ts.
import { clusterRoleBindingKind, clusterRoleKind, roleBindingKind, roleKind } from '../../../../generated/kinds.ts';
import type { ClusterRole, Role, RoleBinding } from '../../../../generated/rbac-v1.ts';
import { isNotFound, notFound } from '../../../api/meta/status-error.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { fullAuthority, holdsGrantVerb, mayAlwaysGrant, mayBind, whyNotGrant } from '../../authz/escalation.ts';
import type { RbacRules } from '../../authz/rbac-rules.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

export function rbacEscalation(authorizer: Authorizer, rules: RbacRules): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    async admit(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      if (mayAlwaysGrant(request.user)) return;
      if (isAbout(request, roleKind) || isAbout(request, clusterRoleKind)) await checkRole(request);
      else if (isAbout(request, roleBindingKind) || isAbout(request, clusterRoleBindingKind))
        await checkBinding(request);
    },
  };

  async function checkRole(request: AdmissionRequest): Promise<void> {
    const { user, namespace, name } = request;
    const [next, current] = [request.object as ClusterRole, request.oldObject as ClusterRole | undefined];
    if (current && same(next.rules, current.rules) && same(next.aggregationRule, current.aggregationRule)) return;
    const { kind } = request.resource;
    if (await holdsGrantVerb(authorizer, { user, verb: 'escalate', kind, name, namespace })) return;
    const problem = whyNotGrant(rules, user, namespace, (next as Role).rules ?? []);
    if (problem) throw refuse(request, problem);
    const isAggregated = (next.aggregationRule ?? current?.aggregationRule)?.clusterRoleSelectors?.length;
    if (isAggregated && whyNotGrant(rules, user, namespace, fullAuthority)) {
      throw refuse(request, 'must have cluster-admin privileges to use the aggregationRule');
    }
  }

  async function checkBinding(request: AdmissionRequest): Promise<void> {
    const [next, current] = [request.object as RoleBinding, request.oldObject as RoleBinding | undefined];
    if (current && same(next.roleRef, current.roleRef) && same(next.subjects, current.subjects)) return;
    const { user, namespace, resource } = request;
    if (await mayBind(authorizer, user, next.roleRef, namespace)) return;
    try {
      const problem = whyNotGrant(rules, user, namespace, rules.ofRole(next.roleRef, namespace));
      if (problem) throw refuse(request, problem);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw notFound({ group: resource.group, name: resource.plural }, next.roleRef.name);
    }
  }
}

const same = (left: unknown, right: unknown) => JSON.stringify(left) === JSON.stringify(right);
