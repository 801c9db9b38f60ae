// Label maps and the requirements on them.
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import type { FieldErrors, FieldPath } from './field-errors.ts';
import { labelValueProblems, qualifiedNameProblems } from './names.ts';

export type Labels = Readonly<Record<string, string>>;

export type RequirementOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt';

/** One term of a label selector. */
export interface Requirement {
  readonly key: string;
  readonly operator: RequirementOperator;
  /** Sorted, each once. */
  readonly values: readonly string[];
}

/** A parsed selector: every requirement must hold. An empty list matches everything. */
export type Selector = readonly Requirement[];

export function matchesRequirement({ key, operator, values }: Requirement, labels: Labels | undefined): boolean {
  const value = labels && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    default:
      return compares(operator, value, values[0]!);
  }
}

function compares(operator: 'gt' | 'lt', value: string | undefined, limit: string): boolean {
  if (value === undefined || !/^[+-]?[0-9]+$/.test(value)) return false;
  return operator === 'gt' ? BigInt(value) > BigInt(limit) : BigInt(value) < BigInt(limit);
}

export function matchesSelector(selector: Selector, labels: Labels | undefined): boolean {
  for (const requirement of selector) if (!matchesRequirement(requirement, labels)) return false;
  return true;
}

/** Whether every pair of `wanted` is in `labels`: the plain map selectors of Services and ReplicationControllers. */
export function hasLabels(labels: Labels | undefined, wanted: Labels | undefined): boolean {
  for (const key in wanted) if (labels?.[key] !== wanted[key]) return false;
  return true;
}

/** Errors of label keys and values, all at the map's own path as upstream reports them. */
export function validateLabels(labels: Labels | undefined, at: FieldPath, errors: FieldErrors): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const problem of qualifiedNameProblems(key)) errors.invalid(at, key, problem);
    for (const problem of labelValueProblems(value)) errors.invalid(at, value, problem);
  }
}

export interface LabelSelectorRules {
  /** Values that are no label values were stored once and may stay. */
  readonly allowsInvalidValues?: boolean;
}

/** Errors of a LabelSelector object. */
export function validateLabelSelector(
  selector: LabelSelector | undefined,
  at: FieldPath,
  errors: FieldErrors,
  rules: LabelSelectorRules = {},
): void {
  if (!selector) return;
  validateLabels(selector.matchLabels, at.child('matchLabels'), errors);
  selector.matchExpressions?.forEach((requirement, index) => {
    validateRequirement(requirement, at.child('matchExpressions').index(index), errors, rules);
  });
}

/** Errors of one requirement of a LabelSelector. */
export function validateRequirement(
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] },
  place: FieldPath,
  errors: FieldErrors,
  rules: LabelSelectorRules & { allowsUnknownOperators?: boolean } = {},
): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) {
      errors.required(place.child('values'), "must be specified when `operator` is 'In' or 'NotIn'");
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.forbidden(place.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else if (!rules.allowsUnknownOperators) {
    errors.invalid(place.child('operator'), operator, 'not a valid selector operator');
  }
  for (const problem of qualifiedNameProblems(key)) errors.invalid(place.child('key'), key, problem);
  if (rules.allowsInvalidValues) return;
  values.forEach((value, position) => {
    for (const problem of labelValueProblems(value))
      errors.invalid(place.child('values').index(position), value, problem);
  });
}
