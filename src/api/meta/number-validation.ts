// Rules of plain numbers.
import type { FieldErrors, FieldPath } from './field-errors.ts';

export const nonNegativeMessage = 'must be greater than or equal to 0';

export function nonNegative(value: number | undefined, at: FieldPath, errors: FieldErrors): void {
  if (value !== undefined && value < 0) errors.invalid(at, value, nonNegativeMessage);
}
