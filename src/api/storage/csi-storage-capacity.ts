import type { CSIStorageCapacity } from '../../../generated/storage-v1.ts';
import { nodeSelectorWarnings } from '../core/node-labels.ts';
import type { KindDefinition } from '../kind.ts';
import { path } from '../meta/field-errors.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { dns1123SubdomainProblems } from '../meta/names.ts';
import { validateNotNegative } from '../meta/resource-names.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { validateBy } from '../meta/value-validation.ts';

export const csiStorageCapacityKind: KindDefinition<CSIStorageCapacity> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  metadataLooks: ['object', 'change'],
  warnings: ({ nodeTopology }) => nodeSelectorWarnings(nodeTopology, path('nodeTopology')),
  allowsUnconditionalUpdate: false,
  validate(object, errors) {
    validateLabelSelector(object.nodeTopology, path('nodeTopology'), errors);
    validateBy(dns1123SubdomainProblems, object.storageClassName, path('storageClassName'), errors);
    if (object.capacity !== undefined) validateNotNegative(object.capacity, path('capacity'), errors);
  },
  validateUpdate(next, current, errors) {
    checkImmutable(errors, path('nodeTopology'), next.nodeTopology, current.nodeTopology);
    checkImmutable(errors, path('storageClassName'), next.storageClassName, current.storageClassName);
  },
};
