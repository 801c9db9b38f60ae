// Findings of schema validation as the field errors that clients get.
import { type FieldErrors, FieldPath } from '../../api/meta/field-errors.ts';
import type { SchemaError } from '../../schema/structural/schema-error.ts';

export function addSchemaErrors(found: readonly SchemaError[], errors: FieldErrors): void {
  for (const error of found) {
    const at = new FieldPath(error.field);
    const detail = error.detail ?? '';
    switch (error.reason) {
      case 'required':
        errors.required(at);
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
      case 'whole':
        errors.invalidWhole(at, detail);
        break;
      default:
        errors.invalid(at, error.value, detail);
    }
  }
}
