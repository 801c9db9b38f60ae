// Conditions that a device waits for before its pod is bound.
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { qualifiedNameProblems } from '../meta/names.ts';
import { validateBy } from '../meta/value-validation.ts';
import { validateEach } from './device-names.ts';

const maxConditions = 4;

interface Binding {
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
}

export function validateBindingConditions(
  { bindingConditions = [], bindingFailureConditions = [] }: Binding,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const good = at.child('bindingConditions');
  const bad = at.child('bindingFailureConditions');
  for (const [list, place] of [
    [bindingConditions, good],
    [bindingFailureConditions, bad],
  ] as const) {
    validateEach(list, maxConditions, place, errors, (condition, each) => {
      validateBy(qualifiedNameProblems, condition, each, errors);
    });
  }
  bindingConditions.forEach((condition, index) => {
    if (bindingConditions.indexOf(condition) !== index) errors.duplicate(good.index(index), condition);
  });
  bindingFailureConditions.forEach((condition, index) => {
    if (bindingFailureConditions.indexOf(condition) !== index) errors.duplicate(bad.index(index), condition);
    if (bindingConditions.includes(condition)) {
      errors.invalid(bad.index(index), condition, 'bindingFailureConditions must not overlap with bindingConditions');
    }
  });
  if (!bindingConditions.length && bindingFailureConditions.length) {
    errors.invalid(good, null, 'bindingConditions are required to use bindingFailureConditions');
  }
  if (!bindingFailureConditions.length && bindingConditions.length) {
    errors.invalid(bad, null, 'bindingFailureConditions are required to use bindingConditions');
  }
}
