// StatefulSet.

import type { StatefulSet } from '../../../generated/apps-v1.ts';
import { dropGatedTemplateFields } from '../core/gated-pod-fields.ts';
import { defaultPodTemplate } from '../core/pod-defaults.ts';
import { containerColumns } from '../core/pod-template-columns.ts';
import { claimWarnings, isChanged, templateWarnings } from '../core/pod-warnings.ts';
import { defaultResources } from '../core/resource-defaults.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { labelNameRule } from '../meta/names.ts';
import { keepStatusAndCount, startWithStatus, statusRules } from '../meta/strategy.ts';
import { oldWorkloadVersions, selectorFromTemplate } from './old-versions.ts';
import {
  validateStatefulSet,
  validateStatefulSetStatus,
  validateStatefulSetUpdate,
} from './stateful-set-validation.ts';
import { labelSelectorScale } from './workload-scale.ts';

export const statefulSetKind: KindDefinition<StatefulSet> = {
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  defaults,
  prepareForCreate(set) {
    startWithStatus(set, { replicas: 0, availableReplicas: 0 });
    dropGated(set);
  },
  prepareForUpdate(next, current) {
    dropGated(next);
    keepStatusAndCount(next, current);
  },
  nameRule: labelNameRule,
  validateCreate: (set, errors) => validateStatefulSet(set, errors, true),
  validateUpdate(next, current, errors) {
    validateStatefulSet(next, errors, false);
    validateStatefulSetUpdate(next, current, errors);
  },
  subresources: { status: statusRules({ validateUpdate: validateStatefulSetStatus }) },
  otherVersions: oldWorkloadVersions('StatefulSet', {
    'apps/v1beta1': (set: StatefulSet) => {
      selectorFromTemplate(set);
      if (set.spec) set.spec.updateStrategy = { type: 'OnDelete', ...set.spec.updateStrategy };
      defaults(set);
    },
    'apps/v1beta2': defaults,
  }),
  warnings: (next, current) => [
    ...(isChanged(next, current) ? templateWarnings(next.spec?.template, path('spec', 'template')) : []),
    ...(next.spec?.volumeClaimTemplates ?? []).flatMap(({ spec }, index) =>
      claimWarnings(spec, path('spec', 'volumeClaimTemplates').index(index)),
    ),
    ...((next.spec?.revisionHistoryLimit ?? 0) < 0
      ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : []),
  ],
  columns: [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      description: 'Number of the pod with ready state',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    },
    ageColumn,
    ...containerColumns<StatefulSet>(({ spec }) => spec?.template?.spec),
  ],
  scale: labelSelectorScale<StatefulSet>(),
};

/** Behind a gate that is off. Whoever sent it owns it all the same. */
function dropGated({ spec }: StatefulSet): void {
  delete spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
  dropGatedTemplateFields(spec?.template);
}

function defaults(set: StatefulSet): void {
  set.spec ??= {} as NonNullable<StatefulSet['spec']>;
  const spec = set.spec;
  spec.podManagementPolicy ||= 'OrderedReady';
  spec.updateStrategy ??= {};
  const strategy = spec.updateStrategy;
  if (!strategy.type) {
    strategy.type = 'RollingUpdate';
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0;
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  retention.whenDeleted ||= 'Retain';
  retention.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ||= 'v1';
    claim.kind ||= 'PersistentVolumeClaim';
    if (claim.spec) claim.spec.volumeMode ??= 'Filesystem' as never;
    defaultResources(claim.spec?.resources);
    claim.status = { ...claim.status, phase: claim.status?.phase ?? ('Pending' as never) };
  }
  spec.template ??= {};
  defaultPodTemplate(spec.template);
}
