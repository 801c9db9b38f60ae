// What RoleBindings and ClusterRoleBindings have in common.
import type { ClusterRoleBinding, RoleBinding, Subject } from '../../../generated/rbac-v1.ts';
import type { Column } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { pathSegmentProblems, subdomainNameRule } from '../meta/names.ts';

export const rbacGroup = 'rbac.authorization.k8s.io';

type Binding = RoleBinding | ClusterRoleBinding;

export function defaultBinding({ roleRef, subjects }: Binding): void {
  roleRef.apiGroup ||= rbacGroup;
  for (const subject of subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup;
  }
}

function validateSubject(subject: Subject, isNamespaced: boolean, at: FieldPath, errors: FieldErrors): void {
  const { kind, name, apiGroup = '', namespace } = subject;
  if (!name) errors.required(at.child('name'));
  if (kind === 'ServiceAccount') {
    if (name) for (const problem of subdomainNameRule(name, false)) errors.invalid(at.child('name'), name, problem);
    if (apiGroup) errors.notSupported(at.child('apiGroup'), apiGroup, ['']);
    if (!isNamespaced && !namespace) errors.required(at.child('namespace'));
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== rbacGroup) errors.notSupported(at.child('apiGroup'), apiGroup, [rbacGroup]);
  } else errors.notSupported(at.child('kind'), kind, ['ServiceAccount', 'User', 'Group']);
}

export function validateBinding(
  { roleRef, subjects }: Binding,
  roleKinds: readonly string[],
  errors: FieldErrors,
): void {
  const at = path('roleRef');
  if (roleRef.apiGroup !== rbacGroup) errors.notSupported(at.child('apiGroup'), roleRef.apiGroup, [rbacGroup]);
  if (!roleKinds.includes(roleRef.kind)) errors.notSupported(at.child('kind'), roleRef.kind, roleKinds);
  if (!roleRef.name) errors.required(at.child('name'));
  else for (const problem of pathSegmentProblems(roleRef.name)) errors.invalid(at.child('name'), roleRef.name, problem);
  subjects?.forEach((subject, index) => {
    validateSubject(subject, roleKinds.includes('Role'), path('subjects').index(index), errors);
  });
}

/** A binding is deleted and made again to bind another role: who may do that can be asked. */
export function validateBindingUpdate({ roleRef }: Binding, current: Binding, errors: FieldErrors): void {
  if (isEqual(roleRef, current.roleRef)) return;
  const shown = { APIGroup: roleRef.apiGroup, Kind: roleRef.kind, Name: roleRef.name };
  errors.invalid(path('roleRef'), shown, 'cannot change roleRef');
}

function subjectsCell(kind: string) {
  return ({ subjects = [] }: Binding): string =>
    subjects
      .filter((subject) => subject.kind === kind)
      .map(({ namespace, name }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
      .join(', ');
}

/** `owner` as the descriptions name it; `roleDescription` is the schema's. */
export function bindingColumns(owner: string, roleDescription: string): readonly Column<Binding>[] {
  return [
    nameColumn,
    {
      name: 'Role',
      type: 'string',
      description: roleDescription,
      cell: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`,
    },
    ageColumn,
    { name: 'Users', type: 'string', description: `Users in the ${owner}`, priority: 1, cell: subjectsCell('User') },
    { name: 'Groups', type: 'string', description: `Groups in the ${owner}`, priority: 1, cell: subjectsCell('Group') },
    {
      name: 'ServiceAccounts',
      type: 'string',
      description: `ServiceAccounts in the ${owner}`,
      priority: 1,
      cell: subjectsCell('ServiceAccount'),
    },
  ];
}
