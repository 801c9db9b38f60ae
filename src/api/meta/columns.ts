// Table columns that most kinds share, and how cells show lists, maps and selectors.
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import type { Column } from '../kind.ts';
import { ageOf } from './human-duration.ts';
import type { KubernetesObject } from './object.ts';

export const nameColumn: Column<KubernetesObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description:
    'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
  cell: (object) => object.metadata.name,
};

export const creationDescription =
  'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata';

export const ageColumn: Column<KubernetesObject> = {
  name: 'Age',
  type: 'string',
  description: creationDescription,
  cell: (object, { nowMs }) => ageOf(object.metadata.creationTimestamp, nowMs),
};

/** `a=b,c=d` in the order of the keys; `<none>` for nothing. */
export function labelsCell(labels: Record<string, string> | undefined): string {
  const pairs = Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${labels![key]}`);
  return pairs.length ? pairs.join(',') : '<none>';
}

function requirementCell({ key, operator, values }: NonNullable<LabelSelector['matchExpressions']>[number]): string {
  if (operator === 'Exists') return key;
  if (operator === 'DoesNotExist') return `!${key}`;
  return `${key} ${operator === 'In' ? 'in' : 'notin'} (${[...(values ?? [])].sort().join(',')})`;
}

/** A label selector as the command line takes it; `<none>` for one that selects everything or is not there. */
export function selectorCell(selector: LabelSelector | undefined): string {
  const labels = selector?.matchLabels ?? {};
  const parts = [
    ...Object.keys(labels).map((key) => ({ key, text: `${key}=${labels[key]}` })),
    ...(selector?.matchExpressions ?? []).map((each) => ({ key: each.key, text: requirementCell(each) })),
  ];
  return parts.length
    ? parts
        .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
        .map(({ text }) => text)
        .join(',')
    : '<none>';
}

/** What kinds without columns of their own show. */
export const defaultColumns: readonly Column<KubernetesObject>[] = [
  nameColumn,
  {
    name: 'Created At',
    type: 'date',
    description: creationDescription,
    cell: (object) => object.metadata.creationTimestamp ?? null,
  },
];
