// The rules by which failed pods count, or do not, against a job.
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
} from '../../../generated/batch-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { qualifiedNameProblems } from '../meta/names.ts';
import { requireSupported } from '../meta/supported.ts';
import { validateBy } from '../meta/value-validation.ts';

const maxRules = 20;
const maxExitCodes = 255;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

export function validateFailurePolicy(spec: JobSpec, at: FieldPath, errors: FieldErrors): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const list = at.child('rules');
  if (rules.length > maxRules) errors.tooMany(list, rules.length, maxRules);
  rules.forEach((rule, index) => {
    validateRule(spec, rule, list.index(index), errors);
  });
}

function validateRule(spec: JobSpec, rule: PodFailurePolicyRule, at: FieldPath, errors: FieldErrors): void {
  const { action, onExitCodes } = rule;
  const onPodConditions = rule.onPodConditions ?? [];
  if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) {
      errors.invalid(at.child('action'), action, 'requires the backoffLimitPerIndex to be set');
    }
  } else requireSupported(errors, at.child('action'), action, actions, `valid values: ${listed(actions)}`);
  if (onExitCodes) validateExitCodes(spec, onExitCodes, at.child('onExitCodes'), errors);
  if (onPodConditions.length > maxRules) errors.tooMany(at.child('onPodConditions'), onPodConditions.length, maxRules);
  onPodConditions.forEach(({ type, status }, index) => {
    const place = at.child('onPodConditions').index(index);
    const statuses = ['False', 'True', 'Unknown'];
    validateBy(qualifiedNameProblems, type, place.child('type'), errors);
    requireSupported(errors, place.child('status'), status, statuses, `valid values: ${listed(statuses)}`);
  });
  if (onExitCodes && onPodConditions.length > 0) {
    errors.invalidWhole(at, 'specifying both OnExitCodes and OnPodConditions is not supported');
  }
  if (!onExitCodes && onPodConditions.length === 0) {
    errors.invalidWhole(at, 'specifying one of OnExitCodes and OnPodConditions is required');
  }
}

const listed = (values: readonly string[]): string => `[${values.map((value) => `"${value}"`).join(' ')}]`;

function validateExitCodes(
  spec: JobSpec,
  { operator, values: given, containerName }: PodFailurePolicyOnExitCodesRequirement,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const operators = ['In', 'NotIn'];
  requireSupported(errors, at.child('operator'), operator, operators, `valid values: ${listed(operators)}`);
  const { containers, initContainers } = spec.template?.spec ?? {};
  const names = [...(containers ?? []), ...(initContainers ?? [])].map(({ name }) => name);
  if (containerName !== undefined && !names.includes(containerName)) {
    errors.invalid(
      at.child('containerName'),
      containerName,
      'must be one of the container or initContainer names in the pod template',
    );
  }
  const place = at.child('values');
  const values = given ?? []; // null where the client sent none
  if (values.length === 0) errors.invalid(place, given ?? null, 'at least one value is required');
  else if (values.length > maxExitCodes) errors.tooMany(place, values.length, maxExitCodes);
  const seen = new Set<number>();
  values.forEach((value, index) => {
    if (operator === 'In' && value === 0) {
      errors.invalid(place.index(index), value, 'must not be 0 for the In operator');
    }
    if (seen.has(value)) errors.duplicate(place.index(index), value);
    seen.add(value);
  });
  if (values.some((value, index) => index > 0 && values[index - 1]! > value)) {
    errors.invalid(place, values, 'must be ordered');
  }
}
