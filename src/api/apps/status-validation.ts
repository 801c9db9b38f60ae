// The counts of statuses must fit each other.
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { nonNegative } from '../meta/number-validation.ts';

const at = path('status');

interface Counts {
  replicas?: number;
  [name: string]: unknown;
}

/** None negative; those in `bounded` at most `replicas`; what is available is ready. */
export function validateCounts(
  status: object | undefined,
  fields: readonly string[],
  bounded: readonly string[],
  errors: FieldErrors,
): void {
  const counts = (status ?? {}) as Counts;
  for (const field of fields) nonNegative(counts[field] as number | undefined, at.child(field), errors);
  const replicas = counts.replicas ?? 0;
  for (const field of bounded) {
    const value = (counts[field] as number | undefined) ?? 0;
    if (value > replicas) errors.invalid(at.child(field), value, 'cannot be greater than status.replicas');
  }
  const ready = (counts['readyReplicas'] as number | undefined) ?? 0;
  const available = (counts['availableReplicas'] as number | undefined) ?? 0;
  if (available > ready) {
    errors.invalid(at.child('availableReplicas'), available, 'cannot be greater than readyReplicas');
  }
}
