// How upstream writes what a patch has made of an object: its library keeps the text of what it had no need to look into,
// and sorts the keys of all else. What is wrong in it is looked for in that order, too.
import { setKey } from './canonical-values.ts';
import { isObject, type JsonObject } from './patch-error.ts';

/** Containers that were looked into. */
export type Opened = ReadonlySet<object>;

/** A copy with sorted keys in `opened` objects. Recursion is bounded by the depth that bodies are checked against. */
export function inPatchedOrder(value: unknown, opened: Opened): unknown {
  if (Array.isArray(value)) return value.map((item) => inPatchedOrder(item, opened));
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  if (opened.has(value)) keys.sort();
  const result: JsonObject = {};
  for (const key of keys) setKey(result, key, inPatchedOrder(value[key], opened));
  return result;
}

/** All objects below, itself among them. */
export function openAll(root: unknown, opened: Set<object>): void {
  const waiting = [root];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    opened.add(value);
    for (const item of Object.values(value)) if (typeof item === 'object') waiting.push(item);
  }
}

/** What a merge patch looked into, in `patched`, which it has made. */
export function openedByMerge(patched: unknown, patch: JsonObject): Set<object> {
  const opened = new Set<object>();
  const waiting: [unknown, JsonObject][] = [[patched, patch]];
  for (let pair = waiting.pop(); pair; pair = waiting.pop()) {
    const [made, asked] = pair;
    if (!isObject(made)) continue;
    opened.add(made);
    for (const [key, value] of Object.entries(asked)) {
      if (isObject(value)) waiting.push([made[key], value]);
      else openAll(made[key], opened);
    }
  }
  return opened;
}

const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** JSON as Go writes it. */
export const goJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (found) => escapes[found]!);
