import type { TopologySelectorTerm } from '../../../generated/core-v1.ts';
import type { StorageClass } from '../../../generated/storage-v1.ts';
import { nodeLabelWarnings } from '../core/node-labels.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { byteLength, qualifiedNameProblems } from '../meta/names.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;
const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** Letters count as small ones, and are told so. */
export function validateProvisioner(provisioner: string, at: FieldPath, errors: FieldErrors): void {
  if (!required(provisioner, at, errors)) return;
  const name = provisioner.toLowerCase();
  for (const problem of qualifiedNameProblems(name)) errors.invalid(at, name, problem);
}

/** Parameters for a driver: not too many, all with names. */
export function validateParameters(parameters: Record<string, string>, at: FieldPath, errors: FieldErrors): void {
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) {
    errors.tooLong(at, maxParameters);
    return;
  }
  let size = 0;
  for (const [key, value] of entries) {
    if (!key) errors.invalid(at, key, 'field can not be empty.');
    size += byteLength(key) + byteLength(value);
  }
  if (size > maxParameterBytes) errors.tooLong(at, maxParameterBytes);
}

function validateTopology(
  { matchLabelExpressions = [] }: TopologySelectorTerm,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  matchLabelExpressions.forEach(({ key, values: listed }, index) => {
    const values = listed ?? [];
    const place = at.child('matchLabelExpressions').index(index);
    if (!values.length) errors.required(place.child('values'));
    values.forEach((value, i) => {
      if (values.indexOf(value) !== i) errors.duplicate(place.child('values').index(i), value);
    });
    validateBy(qualifiedNameProblems, key, place.child('key'), errors);
    if (seen.has(key)) errors.duplicate(place.child('key'), key);
    seen.add(key);
  });
}

/** Equal for terms that select the same. */
const shapeOf = ({ matchLabelExpressions = [] }: TopologySelectorTerm): string =>
  matchLabelExpressions
    .map(({ key, values }) => JSON.stringify([key, [...new Set(values ?? [])].sort()]))
    .sort()
    .join();

export const storageClassKind: KindDefinition<StorageClass> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  metadataLooks: ['object', 'change'],
  returnsDeletedObject: true,
  defaults(object) {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  validate({ provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies }, errors) {
    validateProvisioner(provisioner, path('provisioner'), errors);
    validateParameters(parameters ?? {}, path('parameters'), errors);
    if (reclaimPolicy) checkSupported(errors, path('reclaimPolicy'), reclaimPolicy, ['Delete', 'Retain']);
    checkSupported(errors, path('volumeBindingMode'), volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
    // Upstream begins with as many empty terms as there are, and takes another empty one for their double.
    const seen = (allowedTopologies ?? []).map(() => '');
    allowedTopologies?.forEach((term, index) => {
      const at = path('allowedTopologies').index(index);
      validateTopology(term, at, errors);
      const shape = shapeOf(term);
      for (const other of seen) if (other === shape) errors.duplicate(at.child('matchLabelExpressions'), '');
      seen.push(shape);
    });
  },
  validateUpdate(next, current, errors) {
    for (const field of ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const) {
      checkImmutable(errors, path(field), next[field], current[field]);
    }
  },
  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, index) =>
      matchLabelExpressions.flatMap(({ key }, position) => {
        const at = path('allowedTopologies').index(index).child('matchLabelExpressions').index(position);
        return nodeLabelWarnings({ [key]: '' }, at.child('key'));
      }),
    ),
  columns: [
    {
      ...nameColumn,
      cell: ({ metadata: { name, annotations } }) =>
        defaultAnnotations.some((key) => annotations?.[key] === 'true') ? `${name} (default)` : name,
    },
    {
      name: 'Provisioner',
      type: 'string',
      description: 'provisioner indicates the type of the provisioner.',
      cell: ({ provisioner }) => provisioner,
    },
    {
      name: 'ReclaimPolicy',
      type: 'string',
      description:
        'reclaimPolicy controls the reclaimPolicy for dynamically provisioned PersistentVolumes of this storage class. Defaults to Delete.',
      cell: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete',
    },
    {
      name: 'VolumeBindingMode',
      type: 'string',
      description:
        'volumeBindingMode indicates how PersistentVolumeClaims should be provisioned and bound.  When unset, VolumeBindingImmediate is used. This field is only honored by servers that enable the VolumeScheduling feature.',
      cell: ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate',
    },
    {
      name: 'AllowVolumeExpansion',
      type: 'string',
      description: 'allowVolumeExpansion shows whether the storage class allow volume expand.',
      cell: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
    },
    ageColumn,
  ],
};
