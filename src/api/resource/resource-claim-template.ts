import type { ResourceClaimTemplate } from '../../../generated/resource-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { defaultDevices, validateDevices } from './device-request-validation.ts';

export const resourceClaimTemplateKind: KindDefinition<ResourceClaimTemplate> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  defaults: ({ spec }) => defaultDevices(spec?.spec?.devices),
  validate: ({ spec }, errors) => validateDevices(spec?.spec?.devices, path('spec', 'spec', 'devices'), errors),
  validateUpdate: (next, current, errors) => checkImmutable(errors, path('spec'), next.spec, current.spec),
  columns: [nameColumn, ageColumn],
};
