import type { Role } from '../../../generated/rbac-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { path } from '../meta/field-errors.ts';
import { pathSegmentNameRule } from '../meta/names.ts';
import { validatePolicyRule } from './policy-rule.ts';

export const roleKind: KindDefinition<Role> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  metadataLooks: ['object', 'change'],
  allowsCreateOnUpdate: true,
  nameRule: pathSegmentNameRule,
  validate({ rules }, errors) {
    rules?.forEach((rule, index) => {
      validatePolicyRule(rule, true, path('rules').index(index), errors);
    });
  },
};
