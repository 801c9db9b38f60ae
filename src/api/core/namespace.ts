// Namespaces: labelled with their own name, and emptied by the `kubernetes` finalizer in their spec.
import type { Namespace } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { labelNameRule, qualifiedNameProblems } from '../meta/names.ts';
import { keep, statusRules } from '../meta/strategy.ts';

export const namespaceNameLabel = 'kubernetes.io/metadata.name';
const kubernetesFinalizer = 'kubernetes';
const standardFinalizers = [kubernetesFinalizer, 'orphan', 'foregroundDeletion'];

function labelWithName({ metadata }: Namespace): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, [namespaceNameLabel]: metadata.name };
}

function validateFinalizer(name: string, at: FieldPath, errors: FieldErrors): void {
  const problems = qualifiedNameProblems(name);
  for (const problem of problems) errors.invalid(at, name, problem);
  if (name.includes('/') || standardFinalizers.includes(name)) return;
  errors.invalid(at, name, 'name is neither a standard finalizer name nor is it fully qualified');
}

function validatePhase(next: Namespace, errors: FieldErrors): void {
  const phase = next.status?.phase ?? '';
  const at = path('status', 'Phase');
  if (next.metadata.deletionTimestamp) {
    if (phase !== 'Terminating') {
      errors.invalid(at, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
    }
  } else if (phase !== 'Active') {
    errors.invalid(at, phase, "may only be 'Active' if `deletionTimestamp` is empty");
  }
}

export const namespaceKind: KindDefinition<Namespace> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  nameRule: labelNameRule,
  defaults(object) {
    labelWithName(object);
    object.status = { ...object.status, phase: object.status?.phase || 'Active' };
  },
  prepareForCreate(object) {
    labelWithName(object);
    object.status = { phase: 'Active' };
    const finalizers = object.spec?.finalizers ?? [];
    object.spec = {
      finalizers: finalizers.includes(kubernetesFinalizer) ? finalizers : [...finalizers, kubernetesFinalizer],
    };
  },
  prepareForUpdate(next, current) {
    keep(next, current, 'spec', 'status');
  },
  validate(object, errors) {
    for (const name of object.spec?.finalizers ?? []) validateFinalizer(name, path('spec', 'finalizers'), errors);
  },
  subresources: {
    status: statusRules({ validateUpdate: (next, _current, errors) => validatePhase(next, errors) }),
    finalize: {
      prepareForUpdate(next, current) {
        keep(next, current, 'status');
      },
      validateUpdate(next, _current, errors) {
        next.spec?.finalizers?.forEach((name, index) => {
          validateFinalizer(name, path('spec', 'finalizers').index(index), errors);
        });
      },
    },
  },
  columns: [
    nameColumn,
    {
      name: 'Status',
      type: 'string',
      description: 'The status of the namespace',
      cell: ({ status }) => status?.phase ?? '',
    },
    ageColumn,
  ],
};
