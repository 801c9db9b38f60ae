// The claim inside an ephemeral volume or a StatefulSet: as much of its rules as a template must keep.
import type { PersistentVolumeClaimSpec } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { quantityOf } from '../meta/quantity.ts';
import { checkSupported } from '../meta/supported.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

export function validateClaimTemplateSpec(
  spec: PersistentVolumeClaimSpec | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const modes = spec?.accessModes ?? [];
  if (modes.length === 0) errors.required(at.child('accessModes'), 'at least 1 access mode is required');
  for (const mode of modes) checkSupported(errors, at.child('accessModes'), mode, accessModes);
  if (modes.length > 1 && modes.includes('ReadWriteOncePod' as never)) {
    errors.forbidden(at.child('accessModes'), 'may not use ReadWriteOncePod with other access modes');
  }
  const storage = spec?.resources?.requests?.['storage'];
  const place = at.child('resources').key('storage');
  if (storage === undefined) errors.required(place);
  else if (quantityOf(storage).sign <= 0) errors.invalid(place, storage, 'must be greater than zero');
  checkSupported(errors, at.child('volumeMode'), spec?.volumeMode, ['Block', 'Filesystem']);
}
