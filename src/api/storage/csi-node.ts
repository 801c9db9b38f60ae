import type { CSINode, CSINodeDriver } from '../../../generated/storage-v1.ts';
import { validateCsiDriverName } from '../core/volume-source-validation.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { qualifiedNameProblems } from '../meta/names.ts';
import { immutableMessage } from '../meta/strategy.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const maxNodeIdBytes = 256;

function validateDriver(
  { name, nodeID, topologyKeys, allocatable }: CSINodeDriver,
  at: FieldPath,
  errors: FieldErrors,
): void {
  validateCsiDriverName(name, at.child('name'), errors);
  if (required(nodeID, at.child('nodeID'), errors) && Buffer.byteLength(nodeID) > maxNodeIdBytes) {
    errors.invalid(at.child('nodeID'), nodeID, `must be ${maxNodeIdBytes} characters or less`);
  }
  const count = allocatable?.count;
  if (count !== undefined && count < 0) {
    errors.invalid(at.child('allocatable', 'count'), count, 'must be greater than or equal to 0');
  }
  const keys = topologyKeys ?? [];
  keys.forEach((key, index) => {
    if (!key) errors.required(at);
    if (keys.indexOf(key) !== index) errors.duplicate(at, key);
    validateBy(qualifiedNameProblems, key, at, errors);
  });
}

const fixedPart = ({ allocatable: _allocatable, ...rest }: CSINodeDriver): CSINodeDriver => rest;

export const csiNodeKind: KindDefinition<CSINode> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  metadataLooks: ['object'],
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
    for (const old of current.spec.drivers ?? []) {
      for (const driver of next.spec.drivers ?? []) {
        // How many volumes fit may change; it is left out of what is shown, too.
        const [before, after] = [fixedPart(old), fixedPart(driver)];
        if (driver.name !== old.name || isEqual(before, after)) continue;
        errors.invalid(path('spec', 'drivers'), goForm('io.k8s.api.storage.v1.CSINodeDriver', after), immutableMessage);
      }
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
