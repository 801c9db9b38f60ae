// Deployment.

import type { Deployment } from '../../../generated/apps-v1.ts';
import { dropGatedTemplateFields } from '../core/gated-pod-fields.ts';
import { defaultPodTemplate } from '../core/pod-defaults.ts';
import { containerColumns } from '../core/pod-template-columns.ts';
import { isChanged, nameWarnings, templateWarnings } from '../core/pod-warnings.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn, selectorCell } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { countGeneration, keep, keepStatus, startWithStatus, statusRules } from '../meta/strategy.ts';
import { validateDeployment, validateDeploymentStatus, validateDeploymentUpdate } from './deployment-validation.ts';
import { oldWorkloadVersions, selectorFromTemplate } from './old-versions.ts';
import { labelSelectorScale } from './workload-scale.ts';

const neverProgressing = 2 ** 31 - 1;

const status = statusRules<Deployment>({ validateUpdate: validateDeploymentStatus });

export const deploymentKind: KindDefinition<Deployment> = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  defaults: defaultsWith({ rolling: '25%', revisionHistoryLimit: 10, progressDeadlineSeconds: 600 }),
  prepareForCreate: (deployment) => {
    startWithStatus(deployment);
    dropGatedTemplateFields(deployment.spec?.template);
  },
  prepareForUpdate: (next, current) => {
    keepStatus(next, current);
    dropGatedTemplateFields(next.spec?.template);
    // Annotations count here: the controller copies them to the ReplicaSets.
    countGeneration(next, current);
    const isAnnotated = !isEqual(next.metadata.annotations, current.metadata.annotations);
    if (isAnnotated) next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  },
  validate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
  subresources: {
    status: {
      ...status,
      prepareForUpdate: (next, current, context) => {
        status.prepareForUpdate(next, current, context);
        keep(next.metadata, current.metadata, 'labels');
      },
    },
  },
  otherVersions: oldWorkloadVersions('Deployment', {
    'apps/v1beta1': defaultsWith({
      rolling: '25%',
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: 600,
      fillsSelector: true,
    }),
    'apps/v1beta2': defaultsWith({ rolling: '25%', revisionHistoryLimit: 10, progressDeadlineSeconds: 600 }),
    'extensions/v1beta1': defaultsWith({
      rolling: 1,
      revisionHistoryLimit: neverProgressing,
      progressDeadlineSeconds: neverProgressing,
      fillsSelector: true,
    }),
  }),
  warnings: (next, current) => [
    ...(current ? [] : nameWarnings(next)),
    ...(isChanged(next, current) ? templateWarnings(next.spec?.template, path('spec', 'template')) : []),
  ],
  columns: [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      description: 'Number of the pod with ready state',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    },
    {
      name: 'Up-to-date',
      type: 'string',
      description:
        'Total number of non-terminating pods targeted by this deployment that have the desired template spec.',
      cell: ({ status }) => status?.updatedReplicas ?? 0,
    },
    {
      name: 'Available',
      type: 'string',
      description:
        'Total number of available non-terminating pods (ready for at least minReadySeconds) targeted by this deployment.',
      cell: ({ status }) => status?.availableReplicas ?? 0,
    },
    ageColumn,
    ...containerColumns<Deployment>(({ spec }) => spec?.template?.spec),
    {
      name: 'Selector',
      type: 'string',
      description:
        "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by this deployment. It must match the pod template's labels.",
      priority: 1,
      cell: ({ spec }) => selectorCell(spec?.selector),
    },
  ],
  scale: labelSelectorScale<Deployment>(),
};

interface VersionDefaults {
  readonly rolling: number | string;
  readonly revisionHistoryLimit: number;
  readonly progressDeadlineSeconds: number;
  readonly fillsSelector?: boolean;
}

function defaultsWith(version: VersionDefaults): (deployment: Deployment) => void {
  return (deployment) => {
    deployment.spec ??= {} as NonNullable<Deployment['spec']>;
    const spec = deployment.spec;
    if (version.fillsSelector) selectorFromTemplate(deployment);
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ||= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= version.rolling;
      spec.strategy.rollingUpdate.maxSurge ??= version.rolling;
    }
    spec.revisionHistoryLimit ??= version.revisionHistoryLimit;
    spec.progressDeadlineSeconds ??= version.progressDeadlineSeconds;
    spec.template ??= {};
    defaultPodTemplate(spec.template);
  };
}
