import type { ClusterRole } from '../../../generated/rbac-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { path } from '../meta/field-errors.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { pathSegmentNameRule } from '../meta/names.ts';
import { validatePolicyRule } from './policy-rule.ts';

export const clusterRoleKind: KindDefinition<ClusterRole> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  allowsCreateOnUpdate: true,
  nameRule: pathSegmentNameRule,
  validate({ rules, aggregationRule }, errors) {
    rules?.forEach((rule, index) => {
      validatePolicyRule(rule, false, path('rules').index(index), errors);
    });
    if (!aggregationRule) return;
    const at = path('aggregationRule', 'clusterRoleSelectors');
    const selectors = aggregationRule.clusterRoleSelectors ?? [];
    if (!selectors.length)
      errors.required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil');
    selectors.forEach((selector, index) => {
      validateLabelSelector(selector, at.index(index), errors);
    });
  },
};
