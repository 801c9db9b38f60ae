// Equality of values in canonical JSON form, as upstream's semantic equality sees them: a missing list is an empty one.

const isMissing = (value: unknown): boolean => value === undefined || value === null;
const isEmptyList = (value: unknown): boolean => isMissing(value) || (Array.isArray(value) && value.length === 0);

export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b || (isEmptyList(a) && isEmptyList(b))) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((each, i) => isEqual(each, b[i]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) if (!isEqual(left[key], right[key])) return false;
  for (const key in right) if (!(key in left) && !isEqual(undefined, right[key])) return false;
  return true;
}
