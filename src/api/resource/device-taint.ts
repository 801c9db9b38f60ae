// Taints of devices, and what tolerates them.
import type { DeviceTaint, DeviceToleration } from '../../../generated/resource-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { labelValueProblems, qualifiedNameProblems } from '../meta/names.ts';
import { checkSupported, requireSupported } from '../meta/supported.ts';
import { validateBy } from '../meta/value-validation.ts';

const effects = ['NoExecute', 'NoSchedule', 'None'];

export function defaultTolerations(tolerations: readonly DeviceToleration[] | undefined): void {
  for (const toleration of tolerations ?? []) toleration.operator ||= 'Equal';
}

export function validateToleration(toleration: DeviceToleration, at: FieldPath, errors: FieldErrors): void {
  const { key, operator, value = '', effect } = toleration;
  if (key) validateBy(qualifiedNameProblems, key, at.child('key'), errors);
  if (operator === 'Exists') {
    if (value) errors.invalid(at.child('value'), value, 'must be empty for operator `Exists`');
  } else if (operator === 'Equal') validateBy(labelValueProblems, value, at.child('value'), errors);
  else requireSupported(errors, at.child('operator'), operator, ['Equal', 'Exists']);
  if (effect) checkSupported(errors, at.child('effect'), effect, effects);
}

export function validateTaint({ key, value, effect }: DeviceTaint, at: FieldPath, errors: FieldErrors): void {
  validateBy(qualifiedNameProblems, key ?? '', at.child('key'), errors);
  if (value) validateBy(labelValueProblems, value, at.child('value'), errors);
  requireSupported(errors, at.child('effect'), effect, effects);
}
