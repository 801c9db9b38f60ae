import { isObject } from './patch-error.ts';

/** Equality of JSON values; the order of keys means nothing. Recursion is bounded by the depth limit of bodies. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let index = 0; index < a.length; index++) if (!sameValue(a[index], b[index])) return false;
    return true;
  }
  if (!isObject(a) || !isObject(b))
    return typeof a !== typeof b && isNumber(a) && isNumber(b) && String(a) === String(b);
  let count = 0;
  for (const key in a) {
    if (!Object.hasOwn(b, key) || !sameValue(a[key], b[key])) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}

/** Large integers may be a BigInt on one side alone. */
const isNumber = (value: unknown): boolean => typeof value === 'bigint' || typeof value === 'number';
