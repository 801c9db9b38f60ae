// Selectors as authorizers see them. What cannot be read narrows nothing: the request is then asked for as a wider one.
import type { Requirement } from '../../api/meta/labels.ts';
import { type FieldRequirement, parseFieldSelector, parseLabelSelector } from '../../api/meta/selectors.ts';

/** Undefined: none was given, or it cannot be read. */
export function readFieldSelector(text: string | null | undefined): readonly FieldRequirement[] | undefined {
  return text ? attempt(() => parseFieldSelector(text)) : undefined;
}

/** Undefined: none was given, or it cannot be read. */
export function readLabelSelector(text: string | null | undefined): readonly Requirement[] | undefined {
  return text ? attempt(() => parseLabelSelector(text)) : undefined;
}

/** Undefined: it throws. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // the verb itself answers 400; a review says so in its evaluationError
  }
}

/** The value that a field selector requires of a field; '' when it requires none. */
export function requiredValue(selector: readonly FieldRequirement[] | undefined, field: string): string {
  return selector?.find((term) => term.field === field && term.isEqual)?.value ?? '';
}
