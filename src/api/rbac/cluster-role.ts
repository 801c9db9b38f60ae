import type { ClusterRole } from '../../../generated/rbac-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { path } from '../meta/field-errors.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { labelValueProblems, pathSegmentNameRule, qualifiedNameProblems } from '../meta/names.ts';
import { validatePolicyRule } from './policy-rule.ts';

const hasWrongLabel = (labels: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(labels).some(
    ([key, value]) => qualifiedNameProblems(key).length + labelValueProblems(value).length > 0,
  );

/** Whether a requirement can be made a selector of. */
function canSelect(key: string, operator: string, values: readonly string[] | null = []): boolean {
  const count = values?.length ?? 0;
  const isCountRight = operator === 'In' || operator === 'NotIn' ? count > 0 : count === 0;
  const isKnown = ['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(operator);
  const areRight = (values ?? []).every((value) => labelValueProblems(value).length === 0);
  return isKnown && isCountRight && areRight && qualifiedNameProblems(key ?? '').length === 0;
}

export const clusterRoleKind: KindDefinition<ClusterRole> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  metadataLooks: ['object', 'change'],
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
      const known = errors.list.length;
      validateLabelSelector(selector, at.index(index), errors);
      const cannotSelect = selector.matchExpressions?.some(
        ({ key, operator, values }) => !canSelect(key, operator, values),
      );
      if (errors.list.length > known && (cannotSelect || hasWrongLabel(selector.matchLabels))) {
        errors.invalid(at.index(index), null, 'invalid label selector.');
      }
    });
  },
};
