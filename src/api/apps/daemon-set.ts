// DaemonSet.

import type { DaemonSet } from '../../../generated/apps-v1.ts';
import { dropGatedTemplateFields } from '../core/gated-pod-fields.ts';
import { defaultPodTemplate } from '../core/pod-defaults.ts';
import { containerColumns } from '../core/pod-template-columns.ts';
import { isChanged, templateWarnings } from '../core/pod-warnings.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, labelsCell, nameColumn, selectorCell } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { keepStatusAndCount, startWithStatus, statusRules } from '../meta/strategy.ts';
import { validateDaemonSet, validateDaemonSetStatus, validateDaemonSetUpdate } from './daemon-set-validation.ts';
import { oldWorkloadVersions, selectorFromTemplate } from './old-versions.ts';

/** Counts changes of the template; `spec.templateGeneration` of the old versions lives on in it. */
const templateGeneration = 'deprecated.daemonset.template.generation';

export const daemonSetKind: KindDefinition<DaemonSet> = {
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  judgesChangesFirst: true,
  fieldAnnotation: templateGeneration,
  defaults,
  prepareForCreate: (set) => {
    startWithStatus(set, {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    });
    dropGatedTemplateFields(set.spec?.template);
    const asked = Number(set.metadata.annotations?.[templateGeneration] ?? 0);
    set.metadata.annotations = { ...set.metadata.annotations, [templateGeneration]: String(asked > 0 ? asked : 1) };
  },
  prepareForUpdate: (next, current) => {
    dropGatedTemplateFields(next.spec?.template);
    keepStatusAndCount(next, current);
    const before = Number(current.metadata.annotations?.[templateGeneration] ?? 0);
    const count = isEqual(next.spec?.template, current.spec?.template) ? before : before + 1;
    next.metadata.annotations = { ...next.metadata.annotations, [templateGeneration]: String(count) };
  },
  validate: validateDaemonSet,
  validateUpdate: validateDaemonSetUpdate,
  subresources: { status: statusRules({ validateUpdate: validateDaemonSetStatus }) },
  otherVersions: oldWorkloadVersions('DaemonSet', {
    'apps/v1beta2': defaults,
    'extensions/v1beta1': (set: DaemonSet) => {
      selectorFromTemplate(set);
      if (set.spec) set.spec.updateStrategy = { type: 'OnDelete', ...set.spec.updateStrategy };
      defaults(set);
    },
  }),
  warnings: (next, current) =>
    isChanged(next, current) ? templateWarnings(next.spec?.template, path('spec', 'template')) : [],
  columns: [
    nameColumn,
    {
      name: 'Desired',
      type: 'integer',
      description:
        'The total number of nodes that should be running the daemon pod (including nodes correctly running the daemon pod). More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/',
      cell: ({ status }) => status?.desiredNumberScheduled ?? 0,
    },
    {
      name: 'Current',
      type: 'integer',
      description:
        'The number of nodes that are running at least 1 daemon pod and are supposed to run the daemon pod. More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/',
      cell: ({ status }) => status?.currentNumberScheduled ?? 0,
    },
    {
      name: 'Ready',
      type: 'integer',
      description:
        'numberReady is the number of nodes that should be running the daemon pod and have one or more of the daemon pod running with a Ready Condition.',
      cell: ({ status }) => status?.numberReady ?? 0,
    },
    {
      name: 'Up-to-date',
      type: 'integer',
      description: 'The total number of nodes that are running updated daemon pod',
      cell: ({ status }) => status?.updatedNumberScheduled ?? 0,
    },
    {
      name: 'Available',
      type: 'integer',
      description:
        'The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and available (ready for at least spec.minReadySeconds)',
      cell: ({ status }) => status?.numberAvailable ?? 0,
    },
    {
      name: 'Node Selector',
      type: 'string',
      description: `NodeSelector is a selector which must be true for the pod to fit on a node. Selector which must match a node's labels for the pod to be scheduled on that node. More info: https://kubernetes.io/docs/concepts/configuration/assign-pod-node/`,
      cell: ({ spec }) => labelsCell(spec?.template?.spec?.nodeSelector),
    },
    ageColumn,
    ...containerColumns<DaemonSet>(({ spec }) => spec?.template?.spec),
    {
      name: 'Selector',
      type: 'string',
      description: `A label query over pods that are managed by the daemon set. Must match in order to be controlled. It must match the pod template's labels. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors`,
      priority: 1,
      cell: ({ spec }) => selectorCell(spec?.selector),
    },
  ],
};

function defaults(set: DaemonSet): void {
  // Upstream's converter writes it into everything it reads, and whoever sent that owns it.
  set.metadata.annotations = { ...set.metadata.annotations };
  set.metadata.annotations[templateGeneration] ??= '0';
  set.spec ??= {} as NonNullable<DaemonSet['spec']>;
  const spec = set.spec;
  spec.updateStrategy ??= {};
  const strategy = spec.updateStrategy;
  strategy.type ||= 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= 1;
  }
  if (strategy.rollingUpdate) strategy.rollingUpdate.maxSurge ??= 0;
  spec.revisionHistoryLimit ??= 10;
  spec.template ??= {};
  defaultPodTemplate(spec.template);
}
