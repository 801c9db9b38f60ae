import type { MatchCondition } from '../../../generated/admissionregistration-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { qualifiedNameProblems } from '../meta/names.ts';

const maxConditions = 64;

/** Names and presence; the expressions themselves are not compiled. */
export function validateMatchConditions(
  conditions: readonly MatchCondition[],
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (conditions.length > maxConditions) errors.tooMany(at, conditions.length, maxConditions);
  const seen = new Set<string>();
  conditions.forEach(({ name, expression }, index) => {
    const place = at.index(index);
    if (!expression?.trim()) errors.required(place.child('expression'));
    if (!name) errors.required(place.child('name'));
    else for (const problem of qualifiedNameProblems(name)) errors.invalid(place.child('name'), name, problem);
    if (name && seen.has(name)) errors.duplicate(place.child('name'), name);
    seen.add(name);
  });
}
