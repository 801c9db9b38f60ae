import type { RoleBinding } from '../../../generated/rbac-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { pathSegmentNameRule } from '../meta/names.ts';
import { bindingColumns, defaultBinding, rbacGroup, validateBinding, validateBindingUpdate } from './binding.ts';

export const roleBindingKind: KindDefinition<RoleBinding> = {
  group: rbacGroup,
  version: 'v1',
  kind: 'RoleBinding',
  metadataLooks: ['object', 'change'],
  allowsCreateOnUpdate: true,
  nameRule: pathSegmentNameRule,
  defaults: defaultBinding,
  validate: (object, errors) => validateBinding(object, ['Role', 'ClusterRole'], errors),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns(
    'roleBinding',
    'RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.',
  ),
};
