import type { DeviceClass } from '../../../generated/resource-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { countGeneration, startGeneration } from '../meta/strategy.ts';
import { validateConfiguration } from './device-request-validation.ts';
import { validateSelectors } from './device-selector.ts';

export const deviceClassKind: KindDefinition<DeviceClass> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, current) => countGeneration(next, current),
  validate({ spec }, errors) {
    validateSelectors(spec?.selectors, path('spec', 'selectors'), errors);
    spec?.config?.forEach((config, index) => {
      validateConfiguration(config, path('spec', 'config').index(index), errors);
    });
  },
  columns: [nameColumn, ageColumn],
};
