import type { DeviceClass } from '../../../generated/resource-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { madeNameProblems } from '../meta/names.ts';
import { isExtendedResource } from '../meta/resource-names.ts';
import { countGeneration, startGeneration } from '../meta/strategy.ts';
import { validateEach } from './device-names.ts';
import { maxConfigurations, validateConfiguration } from './device-request-validation.ts';
import { validateSelectors } from './device-selector.ts';

export const deviceClassKind: KindDefinition<DeviceClass> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  nameRule: madeNameProblems,
  metadataLooks: ['object', 'change'],
  returnsDeletedObject: true,
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, current) => countGeneration(next, current),
  validate({ spec }, errors) {
    validateSelectors(spec?.selectors, path('spec', 'selectors'), errors);
    validateEach(spec?.config, maxConfigurations, path('spec', 'config'), errors, (config, at) => {
      validateConfiguration(config, at, errors);
    });
    const name = spec?.extendedResourceName;
    if (name !== undefined && !isExtendedResource(name)) {
      errors.invalid(path('spec', 'extendedResourceName'), name, 'must be a valid extended resource name');
    }
  },
  columns: [nameColumn, ageColumn],
};
