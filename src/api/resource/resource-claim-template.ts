import type { ResourceClaimTemplate } from '../../../generated/resource-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { validateTemplateMetadata } from '../meta/object-meta-validation.ts';
import { immutableMessage } from '../meta/strategy.ts';
import { defaultDevices, validateDevices } from './device-request-validation.ts';

export const resourceClaimTemplateKind: KindDefinition<ResourceClaimTemplate> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  metadataLooks: ['object', 'change'],
  returnsDeletedObject: true,
  defaults: ({ spec }) => defaultDevices(spec?.spec?.devices),
  validate({ spec }, errors) {
    validateTemplateMetadata(spec?.metadata, path('spec', 'metadata'), errors);
    validateDevices(spec?.spec?.devices, path('spec', 'spec', 'devices'), errors);
  },
  validateUpdate({ spec: next }, { spec: current }, errors) {
    if (isEqual(next, current)) return;
    const form = { ...next?.metadata, Spec: goForm('io.k8s.api.resource.v1.ResourceClaimSpec', next?.spec ?? {}) };
    errors.invalid(path('spec'), form, immutableMessage);
  },
  columns: [nameColumn, ageColumn],
};
