// PodTemplate: a pod template kept as an object of its own.

import type { PodTemplate } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { labelsCell, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { countGeneration } from '../meta/strategy.ts';
import { dropGatedTemplateFields } from './gated-pod-fields.ts';
import { defaultPodTemplate } from './pod-defaults.ts';
import { containerColumns } from './pod-template-columns.ts';
import { validatePodTemplate } from './pod-template-validation.ts';
import { isChanged, templateWarnings } from './pod-warnings.ts';

export const podTemplateKind: KindDefinition<PodTemplate> = {
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  returnsDeletedObject: true,
  defaults: (object) => {
    object.template ??= {};
    defaultPodTemplate(object.template);
  },
  prepareForCreate: (object) => {
    object.metadata.generation = 1;
    dropGatedTemplateFields(object.template);
  },
  prepareForUpdate: (next, current) => {
    dropGatedTemplateFields(next.template);
    countGeneration(next, current);
  },
  validate: ({ template }, errors) => validatePodTemplate(template, path('template'), errors),
  warnings: (next, current) => (isChanged(next, current) ? templateWarnings(next.template, path('template')) : []),
  columns: [
    nameColumn,
    ...containerColumns<PodTemplate>(({ template }) => template?.spec, 0),
    {
      name: 'Pod Labels',
      type: 'string',
      description: 'The labels for the pod template.',
      cell: ({ template }) => labelsCell(template?.metadata?.labels),
    },
  ],
};
