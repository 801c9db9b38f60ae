import type { PriorityClass } from '../../../generated/scheduling-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { startGeneration } from '../meta/strategy.ts';
import { requireSupported } from '../meta/supported.ts';

const highestUserPriority = 1_000_000_000;

/** The classes of the cluster's own pods, with the values that only they may have. */
export const systemPriorities: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

export const priorityClassKind: KindDefinition<PriorityClass> = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  defaults(object) {
    object.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  prepareForCreate: startGeneration,
  // Upstream never counts on.
  prepareForUpdate({ metadata }, current) {
    if (current.metadata.generation === undefined) delete metadata.generation;
    else metadata.generation = current.metadata.generation;
  },
  validateCreate({ metadata: { name }, value, globalDefault, preemptionPolicy }, errors) {
    if (name?.startsWith('system-')) {
      const known = systemPriorities[name];
      const reserved = "priority class names with 'system-' prefix are reserved for system use only. error: ";
      if (known === undefined) {
        errors.forbidden(path('metadata', 'name'), `${reserved}${name} is not a known system priority class`);
      } else if (value !== known) {
        errors.forbidden(path('metadata', 'name'), `${reserved}value of ${name} PriorityClass must be ${known}`);
      } else if (globalDefault) {
        errors.forbidden(path('metadata', 'name'), `${reserved}globalDefault of ${name} PriorityClass must be false`);
      }
    } else if ((value ?? 0) > highestUserPriority) {
      errors.forbidden(path('value'), `maximum allowed value of a user defined priority is ${highestUserPriority}`);
    }
    requireSupported(errors, path('preemptionPolicy'), preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  },
  validateUpdate(next, current, errors) {
    if (next.value !== current.value) errors.forbidden(path('value'), 'may not be changed in an update.');
    if (next.preemptionPolicy !== current.preemptionPolicy) {
      errors.invalid(path('preemptionPolicy'), next.preemptionPolicy, 'field is immutable');
    }
  },
  columns: [
    nameColumn,
    {
      name: 'Value',
      type: 'integer',
      description:
        'value represents the integer value of this priority class. This is the actual priority that pods receive when they have the name of this class in their pod spec.',
      cell: ({ value }) => value ?? 0,
    },
    {
      name: 'Global-Default',
      type: 'boolean',
      description:
        'globalDefault specifies whether this PriorityClass should be considered as the default priority for pods that do not have any priority class. Only one PriorityClass can be marked as `globalDefault`. However, if more than one PriorityClasses exists with their `globalDefault` field set to true, the smallest value of such global default PriorityClasses will be used as the default priority.',
      cell: ({ globalDefault }) => globalDefault ?? false,
    },
    ageColumn,
    {
      name: 'PreemptionPolicy',
      type: 'string',
      description:
        'preemptionPolicy is the Policy for preempting pods with lower priority. One of Never, PreemptLowerPriority. Defaults to PreemptLowerPriority if unset.',
      cell: ({ preemptionPolicy }) => preemptionPolicy ?? '',
    },
  ],
};
