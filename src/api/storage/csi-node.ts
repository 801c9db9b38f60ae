import type { CSINode, CSINodeDriver } from '../../../generated/storage-v1.ts';
import { validateCsiDriverName } from '../core/volume-source-validation.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { qualifiedNameProblems } from '../meta/names.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const maxNodeIdBytes = 192;

function validateDriver(
  { name, nodeID, topologyKeys, allocatable }: CSINodeDriver,
  at: FieldPath,
  errors: FieldErrors,
): void {
  validateCsiDriverName(name, at.child('name'), errors);
  if (required(nodeID, at.child('nodeID'), errors) && nodeID.length > maxNodeIdBytes) {
    errors.invalid(at.child('nodeID'), nodeID, `must be ${maxNodeIdBytes} characters or less`);
  }
  const count = allocatable?.count;
  if (count !== undefined && count < 0) {
    errors.invalid(at.child('allocatable', 'count'), count, 'must be greater than or equal to 0');
  }
  const keys = topologyKeys ?? [];
  keys.forEach((key, index) => {
    if (keys.indexOf(key) !== index) errors.duplicate(at, key);
    validateBy(qualifiedNameProblems, key, at, errors);
  });
}

export const csiNodeKind: KindDefinition<CSINode> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  allowsUnconditionalUpdate: false,
  returnsDeletedObject: true,
  validate({ spec }, errors) {
    const drivers = spec.drivers ?? [];
    drivers.forEach((driver, index) => {
      const at = path('spec', 'drivers').index(index);
      if (drivers.findIndex(({ name }) => name === driver.name) !== index)
        errors.duplicate(at.child('name'), driver.name);
      validateDriver(driver, at, errors);
    });
  },
  validateUpdate(next, current, errors) {
    const drivers = next.spec.drivers ?? [];
    for (const old of current.spec.drivers ?? []) {
      const index = drivers.findIndex(({ name }) => name === old.name);
      if (index >= 0) checkImmutable(errors, path('spec', 'drivers').index(index), drivers[index], old);
    }
  },
  columns: [
    nameColumn,
    {
      name: 'Drivers',
      type: 'integer',
      description: 'Drivers indicates the number of CSI drivers registered on the node',
      cell: ({ spec }) => spec.drivers?.length ?? 0,
    },
    ageColumn,
  ],
};
