// ReplicaSet.

import type { ReplicaSet } from '../../../generated/apps-v1.ts';
import { dropGatedTemplateFields } from '../core/gated-pod-fields.ts';
import { defaultPodTemplate } from '../core/pod-defaults.ts';
import { containerColumns } from '../core/pod-template-columns.ts';
import { isChanged, nameWarnings, templateWarnings } from '../core/pod-warnings.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn, selectorCell } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { keepStatusAndCount, startWithStatus, statusRules } from '../meta/strategy.ts';
import { oldWorkloadVersions, selectorFromTemplate } from './old-versions.ts';
import { validateReplicaSet, validateReplicaSetStatus, validateReplicaSetUpdate } from './replica-set-validation.ts';
import { labelSelectorScale } from './workload-scale.ts';

export const replicaSetKind: KindDefinition<ReplicaSet> = {
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  defaults,
  prepareForCreate: (set) => {
    startWithStatus(set, { replicas: 0 });
    dropGatedTemplateFields(set.spec?.template);
  },
  prepareForUpdate: (next, current) => {
    dropGatedTemplateFields(next.spec?.template);
    keepStatusAndCount(next, current);
  },
  validate: validateReplicaSet,
  validateUpdate: validateReplicaSetUpdate,
  subresources: {
    status: statusRules({
      validateUpdate: ({ status }, _current, errors) => validateReplicaSetStatus(status, errors),
    }),
  },
  otherVersions: oldWorkloadVersions('ReplicaSet', {
    'apps/v1beta2': defaults,
    'extensions/v1beta1': (set: ReplicaSet) => {
      selectorFromTemplate(set);
      defaults(set);
    },
  }),
  warnings: (next, current) => [
    ...(current ? [] : nameWarnings(next)),
    ...(isChanged(next, current) ? templateWarnings(next.spec?.template, path('spec', 'template')) : []),
  ],
  columns: [
    nameColumn,
    {
      name: 'Desired',
      type: 'integer',
      description:
        'Replicas is the number of desired pods. This is a pointer to distinguish between explicit zero and unspecified. Defaults to 1. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset',
      cell: ({ spec }) => spec?.replicas ?? 0,
    },
    {
      name: 'Current',
      type: 'integer',
      description:
        'Replicas is the most recently observed number of non-terminating pods. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset',
      cell: ({ status }) => status?.replicas ?? 0,
    },
    {
      name: 'Ready',
      type: 'integer',
      description: 'The number of non-terminating pods targeted by this ReplicaSet with a Ready Condition.',
      cell: ({ status }) => status?.readyReplicas ?? 0,
    },
    ageColumn,
    ...containerColumns<ReplicaSet>(({ spec }) => spec?.template?.spec),
    {
      name: 'Selector',
      type: 'string',
      description: `Selector is a label query over pods that should match the replica count. Label keys and values that must match in order to be controlled by this replica set. It must match the pod template's labels. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors`,
      priority: 1,
      cell: ({ spec }) => selectorCell(spec?.selector),
    },
  ],
  scale: labelSelectorScale<ReplicaSet>(),
};

function defaults(set: ReplicaSet): void {
  set.spec ??= {} as NonNullable<ReplicaSet['spec']>;
  const spec = set.spec;
  spec.replicas ??= 1;
  spec.template ??= {};
  defaultPodTemplate(spec.template);
}
