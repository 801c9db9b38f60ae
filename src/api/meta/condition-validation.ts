// Conditions in the form that kinds of today share: type, status, reason and time are all there.
import type { Condition } from '../../../generated/meta-v1.ts';
import type { FieldErrors, FieldPath } from './field-errors.ts';
import { conditionReasonProblems, qualifiedNameProblems } from './names.ts';
import { required, validateBy } from './value-validation.ts';

const maxReasonBytes = 1024;
const maxMessageBytes = 32 * 1024;

export function validateConditions(
  conditions: readonly Condition[] | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  conditions?.forEach((condition, index) => {
    const place = at.index(index);
    if (seen.has(condition.type)) errors.duplicate(place.child('type'), condition.type);
    seen.add(condition.type);
    validateCondition(condition, place, errors);
  });
}

function validateCondition(condition: Condition, at: FieldPath, errors: FieldErrors): void {
  const { type, status, observedGeneration = 0, lastTransitionTime, reason, message = '' } = condition;
  validateBy(qualifiedNameProblems, type, at.child('type'), errors);
  const statuses = ['False', 'True', 'Unknown'];
  if (!statuses.includes(status)) errors.notSupported(at.child('status'), status ?? '', statuses);
  if (observedGeneration < 0) {
    errors.invalid(at.child('observedGeneration'), observedGeneration, 'must be greater than or equal to zero');
  }
  if (!lastTransitionTime) errors.required(at.child('lastTransitionTime'));
  if (required(reason, at.child('reason'), errors)) {
    validateBy(conditionReasonProblems, reason, at.child('reason'), errors);
    if (Buffer.byteLength(reason) > maxReasonBytes) errors.tooLong(at.child('reason'), maxReasonBytes);
  }
  if (Buffer.byteLength(message) > maxMessageBytes) errors.tooLong(at.child('message'), maxMessageBytes);
}
