// Small rules that many kinds repeat: required values, names at a path.
import type { FieldErrors, FieldPath } from './field-errors.ts';

/** Errors of a text by one of the functions of names.ts. Gives whether there were none. */
export function validateBy(
  problemsOf: (text: string) => string[],
  text: string,
  at: FieldPath,
  errors: FieldErrors,
): boolean {
  const problems = problemsOf(text);
  for (const problem of problems) errors.invalid(at, text, problem);
  return problems.length === 0;
}

/** Gives whether it is there. */
export function required(value: unknown, at: FieldPath, errors: FieldErrors, detail = ''): boolean {
  const isThere =
    value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
  if (!isThere) errors.required(at, detail);
  return isThere;
}
