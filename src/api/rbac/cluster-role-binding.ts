import type { ClusterRoleBinding } from '../../../generated/rbac-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { pathSegmentNameRule } from '../meta/names.ts';
import { bindingColumns, defaultBinding, rbacGroup, validateBinding, validateBindingUpdate } from './binding.ts';

export const clusterRoleBindingKind: KindDefinition<ClusterRoleBinding> = {
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  metadataLooks: ['object', 'change'],
  allowsCreateOnUpdate: true,
  nameRule: pathSegmentNameRule,
  defaults: defaultBinding,
  validate: (object, errors) => validateBinding(object, ['ClusterRole'], errors),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns(
    'clusterRoleBinding',
    'RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.',
  ),
};
