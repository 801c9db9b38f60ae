// ReplicationController: the ancestor of ReplicaSet, with a plain label map as its selector.

import type { ReplicationController } from '../../../generated/core-v1.ts';
import { validateReplicaSetStatus } from '../apps/replica-set-validation.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, labelsCell, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { madeNameProblems } from '../meta/names.ts';
import { keepStatusAndCount, startWithStatus, statusRules } from '../meta/strategy.ts';
import { dropGatedTemplateFields } from './gated-pod-fields.ts';
import { defaultPodTemplate } from './pod-defaults.ts';
import { containerColumns } from './pod-template-columns.ts';
import { isChanged, nameWarnings, templateWarnings } from './pod-warnings.ts';
import { validateReplicationController } from './replication-controller-validation.ts';

export const replicationControllerKind: KindDefinition<ReplicationController> = {
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  nameRule: madeNameProblems,
  defaults,
  prepareForCreate: (controller) => {
    startWithStatus(controller, { replicas: 0 });
    dropGatedTemplateFields(controller.spec?.template);
  },
  prepareForUpdate: (next, current) => {
    dropGatedTemplateFields(next.spec?.template);
    keepStatusAndCount(next, current);
  },
  validate: validateReplicationController,
  subresources: {
    status: statusRules({
      validateUpdate: ({ status }, _current, errors) => validateReplicaSetStatus(status, errors),
    }),
  },
  defaultPropagation: 'orphan',
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
        'Replicas is the number of desired replicas. This is a pointer to distinguish between explicit zero and unspecified. Defaults to 1. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller',
      cell: ({ spec }) => spec?.replicas ?? 0,
    },
    {
      name: 'Current',
      type: 'integer',
      description:
        'Replicas is the most recently observed number of replicas. More info: https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller',
      cell: ({ status }) => status?.replicas ?? 0,
    },
    {
      name: 'Ready',
      type: 'integer',
      description: 'The number of ready replicas for this replication controller.',
      cell: ({ status }) => status?.readyReplicas ?? 0,
    },
    ageColumn,
    ...containerColumns<ReplicationController>(({ spec }) => spec?.template?.spec),
    {
      name: 'Selector',
      type: 'string',
      description:
        'Selector is a label query over pods that should match the Replicas count. If Selector is empty, it is defaulted to the labels present on the Pod template. Label keys and values that must match in order to be controlled by this replication controller, if empty defaulted to labels on Pod template. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors',
      priority: 1,
      cell: ({ spec }) => labelsCell(spec?.selector),
    },
  ],
  scale: {
    get: ({ spec, status }) => ({
      replicas: spec?.replicas ?? 0,
      statusReplicas: status?.replicas ?? 0,
      selector: Object.keys(spec?.selector ?? {}).length ? labelsCell(spec!.selector) : '',
    }),
    set: (controller, replicas) => {
      controller.spec!.replicas = replicas;
    },
  },
};

function defaults(controller: ReplicationController): void {
  controller.spec ??= {};
  const spec = controller.spec;
  const labels = spec.template?.metadata?.labels;
  if (labels) {
    if (!spec.selector || Object.keys(spec.selector).length === 0) spec.selector = { ...labels };
    if (Object.keys(controller.metadata.labels ?? {}).length === 0) controller.metadata.labels = { ...labels };
  }
  spec.replicas ??= 1;
  defaultPodTemplate(spec.template);
}
