// Strategic merge patch: like a merge patch, but lists whose fields say so merge by key, and directives ($patch,
// $retainKeys, $setElementOrder, $deleteFromPrimitiveList) say more. Strategies and merge keys come from the facts.
// Recursion is bounded by the depth limit that the patch body was checked against.
import { setKey } from './canonical-values.ts';
import { type Field, type Type, typeOf } from './ir.ts';
import { goPrint, goTypeOf, isObject, type JsonObject, PatchError } from './patch-error.ts';

const directiveKey = '$patch';
const retainKeysKey = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

const badPrimitiveList = (): PatchError => new PatchError(400, 'invalid patch format of primitive list');
const badRetainKeys = (): PatchError => new PatchError(400, 'invalid patch format of retainKeys');
const noList = (value: unknown): PatchError =>
  new PatchError(500, `expected a []interface {}, but received a ${goTypeOf(value)}`);
const badDirective = (directive: unknown, map: JsonObject): PatchError =>
  new PatchError(500, `unknown patch type: ${goPrint(directive)} in map: ${goPrint(map)}`);
const noMergeKey = (map: JsonObject, key: string): PatchError =>
  new PatchError(500, `map: ${goPrint(map)} does not contain declared merge key: ${key}`);

/** Where the merge is in the schema: a struct with known fields, or a place where everything is free. */
type Place = Type | undefined;

function fieldOf(place: Place, name: string): Field | undefined {
  if (!place) return undefined;
  const field = place.jsonField.get(name);
  if (!field) {
    throw new PatchError(
      500,
      `unable to find api field in struct ${place.shortName} for the json field ${JSON.stringify(name)}`,
    );
  }
  return field;
}

/** The schema of the value of a field; of an element where the field is a list or map. */
function placeOf(field: Field | undefined): Place {
  return field?.kind === 'struct' && field.typeName ? typeOf(field.typeName) : undefined;
}

/** `merge`, `replace` or ''; retainKeys only concerns those who make patches. */
function strategyOf(field: Field | undefined): string {
  const strategies = (field?.fact.patchStrategy ?? '').split(',').filter((strategy) => strategy !== 'retainKeys');
  return strategies[0] ?? '';
}

/**
 * What is left of a patch value when there is nothing to merge it with: no nulls, and no object with a `$patch`, which
 * only speaks of what is not there (undefined). Other directives stay, as fields that nobody knows. In place: a refusal
 * quotes what is left of the patch.
 */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, directiveKey)) return undefined;
  for (const key of Object.keys(value)) {
    const inner = value[key] === null ? undefined : withoutDirectives(value[key]);
    if (inner === undefined) delete value[key];
    else setKey(value, key, inner);
  }
  return value;
}

function applyRetainKeys(original: JsonObject, patch: JsonObject): void {
  if (!Object.hasOwn(patch, retainKeysKey)) return;
  const list = patch[retainKeysKey];
  if (!Array.isArray(list)) throw badRetainKeys();
  delete patch[retainKeysKey];
  const retained = new Set<unknown>(list);
  for (const key of Object.keys(patch)) {
    if (patch[key] === null || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue;
    if (!retained.has(key)) throw badRetainKeys();
  }
  for (const key of Object.keys(original)) if (!retained.has(key)) delete original[key];
}

/** Merges `patch` into a copy of `original`; directives that were followed are taken out of it. */
function mergeMaps(original: JsonObject, patch: JsonObject, place: Place): JsonObject {
  if (Object.hasOwn(patch, directiveKey)) {
    const directive = patch[directiveKey];
    if (directive === 'replace') {
      delete patch[directiveKey];
      return patch;
    }
    if (directive === 'delete') return {};
    throw badDirective(directive, patch);
  }
  const result = { ...original };
  applyRetainKeys(result, patch);
  for (const key of Object.keys(patch)) {
    if (key.startsWith(orderPrefix)) mergeOrdered(result, patch, key.slice(orderPrefix.length), place);
  }
  for (const key of Object.keys(patch)) mergeKey(result, key, patch[key], place);
  return result;
}

function mergeKey(result: JsonObject, patchKey: string, value: unknown, place: Place): void {
  const isDeletion = patchKey.startsWith(deletePrefix);
  const key = isDeletion ? patchKey.slice(deletePrefix.length) : patchKey;
  const has = Object.hasOwn(result, key);
  if (value === null) {
    delete result[key];
    return;
  }
  const current = has ? result[key] : undefined;
  if (Array.isArray(current) && Array.isArray(value)) {
    const field = fieldOf(place, key);
    setKey(result, key, mergeListField(current, value, field, isDeletion));
  } else if (isDeletion) {
    // A list that is not there has nothing to delete.
  } else if (isObject(current) && isObject(value)) {
    const field = fieldOf(place, key);
    setKey(result, key, strategyOf(field) === 'replace' ? value : mergeMaps(current, value, placeOf(field)));
  } else {
    const rest = withoutDirectives(value);
    if (rest !== undefined) setKey(result, key, rest);
  }
}

function mergeListField(
  current: unknown[],
  patch: unknown[],
  field: Field | undefined,
  isDeletion: boolean,
): unknown[] {
  if (strategyOf(field) !== 'merge' && !isDeletion) return patch;
  return mergeLists(current, patch, field, isDeletion);
}

/** All elements of both lists must be of one kind, and not lists. */
function hasMaps(original: unknown[], patch: unknown[]): boolean {
  const kindOf = (value: unknown): string =>
    isObject(value) ? 'map' : typeof value === 'bigint' ? 'number' : typeof value;
  let kind: string | undefined;
  for (const list of [original, patch]) {
    for (const item of list) {
      if (Array.isArray(item)) throw new PatchError(422, 'lists of lists are not supported');
      kind ??= kindOf(item);
      if (kind !== kindOf(item)) {
        throw new PatchError(500, `list element types are not identical: ${goPrint([original, patch])}`);
      }
    }
  }
  return kind === 'map';
}

function mergeLists(original: unknown[], patch: unknown[], field: Field | undefined, isDeletion: boolean): unknown[] {
  if (original.length === 0 && patch.length === 0) return original;
  if (!hasMaps(original, patch)) {
    if (isDeletion) {
      const unwanted = new Set(patch);
      return original.filter((item) => !unwanted.has(item));
    }
    const merged = [...new Set([...original, ...patch])];
    return inOrder(merged, patch, original, '');
  }
  const key = field?.fact.patchMergeKey ?? '';
  if (key === '') {
    throw new PatchError(500, `cannot merge lists without merge key for ${field?.goValue.split('.').at(-1) ?? 'map'}`);
  }
  const { base, rest } = applyElementDirectives(original, patch as JsonObject[], key);
  const merged = mergeElements(base, rest, key, placeOf(field));
  return inOrder(merged, rest, base, key);
}

/** `$patch` inside list elements: deletes elements from the original, or replaces the whole list. */
function applyElementDirectives(
  original: unknown[],
  patch: JsonObject[],
  key: string,
): { base: unknown[]; rest: JsonObject[] } {
  const rest: JsonObject[] = [];
  const deleted = new Set<unknown>();
  let isReplaced = false;
  for (const item of patch) {
    if (!Object.hasOwn(item, directiveKey)) {
      rest.push(item);
      continue;
    }
    const directive = item[directiveKey];
    if (directive === 'delete') {
      if (!Object.hasOwn(item, key)) throw noMergeKey(item, key);
      deleted.add(item[key]);
    } else if (directive === 'replace') isReplaced = true;
    else if (directive === 'merge') throw new PatchError(500, 'merging lists cannot yet be specified in the patch');
    else throw badDirective(directive, item);
  }
  if (isReplaced) return { base: rest, rest: [] };
  if (deleted.size === 0) return { base: original, rest };
  return { base: original.filter((item) => !deleted.has((item as JsonObject)[key])), rest };
}

function mergeElements(base: unknown[], patch: JsonObject[], key: string, place: Place): unknown[] {
  const merged = [...base];
  const positions = new Map<unknown, number>();
  merged.forEach((item, index) => {
    const value = (item as JsonObject)[key];
    if (value !== undefined && !positions.has(value)) positions.set(value, index);
  });
  for (const item of patch) {
    if (!Object.hasOwn(item, key)) throw noMergeKey(item, key);
    const position = positions.get(item[key]);
    if (position === undefined) {
      positions.set(item[key], merged.length);
      merged.push(item);
    } else merged[position] = mergeMaps(merged[position] as JsonObject, item, place);
  }
  return merged;
}

/** What identifies an element: itself, or its merge key. */
const identity = (item: unknown, key: string): unknown =>
  key === '' ? item : isObject(item) ? (item[key] ?? null) : undefined;

function positionsOf(list: readonly unknown[], key: string): Map<unknown, number> {
  const positions = new Map<unknown, number>();
  list.forEach((item, index) => {
    if (!positions.has(identity(item, key))) positions.set(identity(item, key), index);
  });
  return positions;
}

/**
 * Elements named in `wanted` come in its order; the others keep theirs and stay before those they preceded on the
 * server.
 */
function inOrder(merged: unknown[], wanted: readonly unknown[], server: readonly unknown[], key: string): unknown[] {
  const wantedAt = positionsOf(wanted, key);
  const serverAt = positionsOf(server, key);
  const rank = (positions: Map<unknown, number>) => (item: unknown) =>
    positions.get(identity(item, key)) ?? positions.size;
  const byRank = (of: (item: unknown) => number) => (a: unknown, b: unknown) => of(a) - of(b);
  const named = merged.filter((item) => wantedAt.has(identity(item, key))).sort(byRank(rank(wantedAt)));
  const others = merged.filter((item) => !wantedAt.has(identity(item, key))).sort(byRank(rank(serverAt)));
  const result: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const limit = serverAt.get(identity(item, key));
    while (limit !== undefined && next < others.length) {
      const at = serverAt.get(identity(others[next], key));
      if (at === undefined || at >= limit) break;
      result.push(others[next++]);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}

/** The patch's own elements must come in the order that `$setElementOrder` gives. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], key: string): void {
  let at = 0;
  const kept = patch.filter((item) => !isObject(item) || !Object.hasOwn(item, directiveKey));
  for (const item of kept) {
    while (at < order.length && identity(order[at], key) !== identity(item, key)) at++;
    if (at >= order.length) {
      // Objects that no key tells apart have no order: upstream's handler panics there.
      const isKeyless = key === '' && isObject(item) && order.some(isObject);
      throw new PatchError(
        isKeyless ? 400 : 500,
        `The order in patch list:\n${goPrint(patch)}\n doesn't match $setElementOrder list:\n${goPrint(order)}\n`,
      );
    }
    at++;
  }
}

/** `$setElementOrder/KEY`: merges the list of that key and orders it; takes both keys out of the patch. */
function mergeOrdered(result: JsonObject, patch: JsonObject, key: string, place: Place): void {
  const order = patch[`${orderPrefix}${key}`];
  delete patch[`${orderPrefix}${key}`];
  if (!Array.isArray(order)) throw noList(order);
  const current = Object.hasOwn(result, key) ? result[key] : undefined;
  const change = Object.hasOwn(patch, key) ? patch[key] : undefined;
  const deletions = patch[`${deletePrefix}${key}`];
  if (current !== undefined && !Array.isArray(current)) throw noList(current);
  if (change !== undefined && !Array.isArray(change)) throw noList(change);
  const field = fieldOf(place, key);
  if (!current && !change) return;
  const mergeKeyName = field?.fact.patchMergeKey ?? '';
  if (deletions !== undefined && deletions !== null && !Array.isArray(deletions)) throw badPrimitiveList();
  if (change) checkOrder(change, order, mergeKeyName);
  const server = Array.isArray(current) ? current : [];
  const merged = !change
    ? server
    : Array.isArray(current)
      ? mergeLists(current, change, field, false)
      : (withoutDirectives(change) as unknown[]);
  delete patch[key];
  for (const item of mergeKeyName === '' ? [] : merged) {
    if (isObject(item) && !Object.hasOwn(item, mergeKeyName)) throw noMergeKey(item, mergeKeyName);
  }
  setKey(result, key, inOrder(merged, order, server, mergeKeyName));
}

/**
 * Applies a strategic merge patch to an object of that type. `original` is not changed; the result shares what the
 * patch does not touch, and is not canonical yet. `patch` is used up. Throws PatchError.
 */
export function applyStrategicMerge(typeName: string, original: unknown, patch: JsonObject): JsonObject {
  return mergeMaps(isObject(original) ? original : {}, patch, typeOf(typeName));
}
