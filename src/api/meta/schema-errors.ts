// Findings of schema validation as the field errors that clients get.

import type { SchemaError } from '../../schema/structural/schema-error.ts';
import { type FieldErrors, FieldPath } from './field-errors.ts';

/** `base`: where the value is, when it is not the whole object. */
export function addSchemaErrors(found: readonly SchemaError[], errors: FieldErrors, base?: FieldPath): void {
  for (const error of found) {
    const at = base ? (error.field ? base.child(error.field) : base) : new FieldPath(error.field);
    const detail = error.detail ?? '';
    switch (error.reason) {
      case 'required':
        errors.required(at, detail);
        break;
      case 'typeInvalid':
        errors.typeInvalid(at, error.value, detail);
        break;
      case 'notSupported':
        errors.notSupported(at, error.value, error.supported ?? []);
        break;
      case 'tooLong':
        errors.tooLong(at, error.limit ?? 0);
        break;
      case 'tooMany':
        errors.tooMany(at, Number(error.value), error.limit ?? 0);
        break;
      case 'duplicate':
        errors.duplicate(at, error.value);
        break;
      case 'forbidden':
        errors.forbidden(at, detail);
        break;
      case 'whole':
        errors.invalidWhole(at, detail);
        break;
      default:
        errors.invalid(at, error.value, detail);
    }
  }
}
