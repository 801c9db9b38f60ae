import type { IPAddress } from '../../../generated/networking-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { canonicalIpProblems } from '../meta/ip-address.ts';
import { dns1123SubdomainProblems, pathSegmentProblems } from '../meta/names.ts';
import { immutableMessage } from '../meta/strategy.ts';
import { required, validateBy } from '../meta/value-validation.ts';

export const ipAddressKind: KindDefinition<IPAddress> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  nameRule: (name) => canonicalIpProblems(name),
  validate({ spec }, errors) {
    const at = path('spec', 'parentRef');
    const parent = spec?.parentRef;
    if (!parent) {
      errors.required(at);
      return;
    }
    if (parent.group) validateBy(dns1123SubdomainProblems, parent.group, at.child('group'), errors);
    for (const field of ['resource', 'name'] as const) {
      const value = parent[field] ?? '';
      if (required(value, at.child(field), errors)) validateBy(pathSegmentProblems, value, at.child(field), errors);
    }
    if (parent.namespace) validateBy(pathSegmentProblems, parent.namespace, at.child('namespace'), errors);
  },
  validateUpdate({ spec: next }, { spec: current }, errors) {
    if (isEqual(next?.parentRef, current?.parentRef)) return;
    const { group = '', resource = '', namespace = '', name = '' } = next?.parentRef ?? {};
    const shown = { Group: group, Resource: resource, Namespace: namespace, Name: name };
    errors.invalid(path('spec', 'parentRef'), shown, immutableMessage);
  },
  columns: [
    nameColumn,
    {
      name: 'ParentRef',
      type: 'string',
      description:
        'ParentRef references the resource that an IPAddress is attached to. An IPAddress must reference a parent object.',
      cell({ spec }) {
        const { group, resource, namespace, name } = spec?.parentRef ?? {};
        return [group, resource, namespace, name].filter(Boolean).join('/') || '<none>';
      },
    },
    ageColumn,
  ],
};
