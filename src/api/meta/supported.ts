// Fields that take one of a few words.
import type { FieldErrors, FieldPath } from './field-errors.ts';

/** `supported` is printed as given. An absent value is fine; see `requireSupported`. */
export function checkSupported(
  errors: FieldErrors,
  at: FieldPath,
  value: string | undefined,
  supported: readonly string[],
): void {
  if (value !== undefined && !supported.includes(value)) errors.notSupported(at, value, supported);
}

export function requireSupported(
  errors: FieldErrors,
  at: FieldPath,
  value: string | undefined,
  supported: readonly string[],
  detail = '',
): void {
  if (!value) errors.required(at, detail);
  else checkSupported(errors, at, value, supported);
}
