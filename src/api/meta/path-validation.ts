// Paths that must stay inside the directory they are joined to.
import type { FieldErrors, FieldPath } from './field-errors.ts';

export function hasBacksteps(path: string): boolean {
  return path.split('/').includes('..');
}

export function validateNoBacksteps(path: string, at: FieldPath, errors: FieldErrors): void {
  if (hasBacksteps(path)) errors.invalid(at, path, "must not contain '..'");
}

/** Relative, and never upwards. */
export function validateDescendingPath(path: string, at: FieldPath, errors: FieldErrors): void {
  if (path.startsWith('/')) errors.invalid(at, path, 'must be a relative path');
  validateNoBacksteps(path, at, errors);
}

/** Moreover no name like `..data`, which volumes use themselves. */
export function validateUnreservedPath(path: string, at: FieldPath, errors: FieldErrors): void {
  validateDescendingPath(path, at, errors);
  if (path.startsWith('..') && !path.startsWith('../')) errors.invalid(at, path, "must not start with '..'");
}
