import type { VolumeAttributesClass } from '../../../generated/storage-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { validateParameters, validateProvisioner } from './storage-class.ts';

export const volumeAttributesClassKind: KindDefinition<VolumeAttributesClass> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  returnsDeletedObject: true,
  judgesChangesFirst: true,
  validate({ driverName, parameters = {} }, errors) {
    validateProvisioner(driverName, path('driverName'), errors);
    if (!Object.keys(parameters).length)
      errors.required(path('parameters'), 'must contain at least one key/value pair');
    validateParameters(parameters, path('parameters'), errors);
  },
  validateUpdate(next, current, errors) {
    for (const field of ['driverName', 'parameters'] as const) {
      if (!isEqual(next[field], current[field])) errors.forbidden(path(field), `updates to ${field} are forbidden.`);
    }
  },
  columns: [
    nameColumn,
    {
      name: 'DriverName',
      type: 'string',
      description: 'driverName indicates the name of the CSI driver for which this VolumeAttributesClass is intended.',
      cell: ({ driverName }) => driverName,
    },
    ageColumn,
  ],
};
