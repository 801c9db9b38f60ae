// JSON merge patch, RFC 7386: objects merge, null deletes, all else replaces. Recursion is bounded by the depth limit
// that the patch body was checked against.
import { setKey } from './canonical-values.ts';
import { isObject, type Json, type JsonObject } from './patch-error.ts';

/** Nulls mean deletion even inside the objects of a new list. */
function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls);
  return isObject(value) ? applyMergePatch(undefined, value) : value;
}

/** The result shares with `target` what the patch does not touch; `target` is not changed. */
export function applyMergePatch(target: Json, patch: JsonObject): JsonObject {
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else if (isObject(value))
      setKey(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
    else setKey(result, key, withoutNulls(value));
  }
  return result;
}
