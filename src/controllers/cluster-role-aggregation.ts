import { clusterRoleKind } from '../../generated/kinds.ts';
import type { ClusterRole, PolicyRule } from '../../generated/rbac-v1.ts';
import { isEqual } from '../api/meta/equality.ts';
import { matchesSelector } from '../api/meta/labels.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { cachedSelector } from './shared/selector.ts';

/** Fills ClusterRoles that are the union of others: `admin`, `edit` and `view` grow with what is installed. */
export const clusterRoleAggregation: ControllerDefinition = {
  name: 'clusterrole-aggregation',
  setup({ client, informers }, queue) {
    const roles = informers.informer(clusterRoleKind);
    const addAggregates = () => {
      for (const role of roles.list()) if (role.aggregationRule) queue.add(role.metadata.name);
    };
    roles.onChange({
      added: addAggregates,
      updated: (next, previous) => {
        const isSame =
          isEqual(next.rules, previous.rules) &&
          isEqual(next.metadata.labels, previous.metadata.labels) &&
          isEqual(next.aggregationRule, previous.aggregationRule);
        if (!isSame) addAggregates();
      },
      deleted: addAggregates,
    });
    return {
      name: 'clusterrole-aggregation',
      async reconcile(name) {
        const role = roles.find(name);
        if (!role?.aggregationRule) return;
        const rules = union(role, roles.list());
        if (isEqual(rules, role.rules ?? [])) return;
        // None is written as null, as upstream does.
        const written = (rules.length > 0 ? rules : null) as PolicyRule[];
        await client.resource(clusterRoleKind).update({ ...role, rules: written });
      },
    };
  },
};

/** The rules of all roles selected, each once, in the order of selectors and names. */
function union(role: ClusterRole, roles: readonly ClusterRole[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  const byName = [...roles].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const labels of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const selector = cachedSelector(labels);
    if (!selector) continue;
    for (const other of byName) {
      if (other.metadata.name === role.metadata.name || !matchesSelector(selector, other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => isEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}
