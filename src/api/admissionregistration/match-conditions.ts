import type { MatchCondition } from '../../../generated/admissionregistration-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { qualifiedNameProblems } from '../meta/names.ts';
import { checkExpression, ExpressionCompiler, uses } from './expressions.ts';

const maxConditions = 64;

/** `hasParams`: they are a policy's that has a paramKind. */
export function validateMatchConditions(
  conditions: readonly MatchCondition[],
  at: FieldPath,
  errors: FieldErrors,
  hasParams = false,
): void {
  const compiler = new ExpressionCompiler({ params: hasParams, variables: false });
  if (conditions.length > maxConditions) errors.tooMany(at, conditions.length, maxConditions);
  const seen = new Set<string>();
  conditions.forEach(({ name, expression }, index) => {
    const place = at.index(index);
    const trimmed = expression?.trim();
    if (trimmed) checkExpression(compiler.compile(trimmed, uses.condition), place.child('expression'), errors);
    else errors.required(place.child('expression'));
    if (!name) errors.required(place.child('name'));
    else for (const problem of qualifiedNameProblems(name)) errors.invalid(place.child('name'), name, problem);
    if (name && seen.has(name)) errors.duplicate(place.child('name'), name);
    seen.add(name);
  });
}
