// Files in volumes: their modes, and where what is in them comes from.
import type { DownwardAPIVolumeFile, KeyToPath } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { validateUnreservedPath } from '../meta/path-validation.ts';
import { required } from '../meta/value-validation.ts';
import { validateFieldRef, validateResourceFieldRef, volumeFields } from './env-validation.ts';

const modeMessage = 'must be a number between 0 and 0777 (octal), both inclusive';

export function validateMode(mode: number | undefined, at: FieldPath, errors: FieldErrors): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) errors.invalid(at, mode, modeMessage);
}

export function validateItem({ key, path, mode }: KeyToPath, at: FieldPath, errors: FieldErrors): void {
  required(key, at.child('key'), errors);
  required(path, at.child('path'), errors);
  validateUnreservedPath(path, at.child('path'), errors);
  validateMode(mode, at.child('mode'), errors);
}

export function validateDownwardFile(file: DownwardAPIVolumeFile, at: FieldPath, errors: FieldErrors): void {
  required(file.path, at.child('path'), errors);
  validateUnreservedPath(file.path, at.child('path'), errors);
  if (file.fieldRef) {
    validateFieldRef(file.fieldRef, volumeFields, at.child('fieldRef'), errors);
    if (file.resourceFieldRef) {
      errors.invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
    }
  } else if (file.resourceFieldRef) {
    const place = at.child('resourceFieldRef');
    if (!file.resourceFieldRef.containerName) errors.required(place.child('containerName'));
    else validateResourceFieldRef(file.resourceFieldRef, place, errors);
  } else {
    errors.required(at, 'one of fieldRef and resourceFieldRef is required');
  }
  validateMode(file.mode, at.child('mode'), errors);
}
