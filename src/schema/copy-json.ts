// A copy of its own of JSON: several times as fast as structuredClone, which looks for everything that JSON cannot hold.
import { setKey } from './canonical-values.ts';

/** Recursion is bounded by the depth limit that objects were checked against. */
export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const list = new Array<unknown>(value.length);
    for (let index = 0; index < value.length; index++) list[index] = copyJson(value[index]);
    return list as T;
  }
  const copy: Record<string, unknown> = {};
  for (const key in value) setKey(copy, key, copyJson(value[key]));
  return copy as T;
}
