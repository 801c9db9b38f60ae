import type { PolicyRule } from '../../../generated/rbac-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';

export function validatePolicyRule(rule: PolicyRule, isNamespaced: boolean, at: FieldPath, errors: FieldErrors): void {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  if (!verbs?.length) errors.required(at.child('verbs'), 'verbs must contain at least one value');
  if (nonResourceURLs.length) {
    const place = at.child('nonResourceURLs');
    if (isNamespaced) {
      errors.invalid(place, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs');
    }
    if (apiGroups.length || resources.length || resourceNames.length) {
      errors.invalid(place, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs');
    }
    return;
  }
  if (!apiGroups.length) errors.required(at.child('apiGroups'), 'resource rules must supply at least one api group');
  if (!resources.length) errors.required(at.child('resources'), 'resource rules must supply at least one resource');
}
