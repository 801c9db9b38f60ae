// Which fields of an object changed between two states, as sets of paths: what a write has to be credited for.
// Recursion is bounded by the depth limit that both states were checked against.
import { emptySet, type FieldSet, isEmptySet, leaf, type MutableFieldSet } from './field-set.ts';
import { indexList, storedElement } from './list-elements.ts';
import { deducedType, type ListMergeType, type MapMergeType, type MergeType } from './merge-type.ts';
import { isObject, type JsonObject } from './patch-error.ts';
import { sameValue } from './same-value.ts';

export interface FieldChanges {
  /** Added or with another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

export interface Changes {
  changed: FieldSet | undefined;
  removed: FieldSet | undefined;
}

const nothing: Changes = Object.freeze({ changed: undefined, removed: undefined });
const modified: Changes = Object.freeze({ changed: leaf, removed: undefined });

const deducedMap: MapMergeType = { shape: 'map', isAtomic: false, fields: undefined, element: deducedType };

/** The type as this value shows it. */
export function shapeOf(type: MergeType, value: unknown): MergeType {
  return type.shape === 'deduced' && isObject(value) ? deducedMap : type;
}

export const isNothing = (value: unknown): boolean =>
  value === null || (Array.isArray(value) ? value.length === 0 : isObject(value) && isEmptySet(value as FieldSet));

/** The set of a value that is there as a whole: every path in it, itself among them. */
function whole(typeIn: MergeType, value: unknown): FieldSet {
  const type = shapeOf(typeIn, value);
  if (type.shape === 'map' && !type.isAtomic && isObject(value)) {
    const node = wholeMap(type, value, { '.': leaf });
    return node;
  }
  if (type.shape === 'list' && type.relation !== 'atomic' && Array.isArray(value) && value.length > 0) {
    return wholeElements(type, value, { '.': leaf });
  }
  return leaf;
}

function wholeElements(type: ListMergeType, items: readonly unknown[], node: MutableFieldSet): FieldSet {
  for (const item of items) {
    const element = storedElement(type, item);
    // Duplicates count as one value.
    node[element] = node[element] === undefined ? whole(type.element, item) : leaf;
  }
  return node;
}

function wholeMap(type: MapMergeType, value: JsonObject, node: MutableFieldSet): FieldSet {
  const { fields } = type;
  let isFilled = false;
  for (const key in value) {
    const slot = fields?.get(key);
    const inner = slot ? slot.type : type.element;
    if (inner === undefined) continue;
    isFilled = true;
    node[slot ? slot.element : `f:${key}`] = inner.shape === 'scalar' ? leaf : whole(inner, value[key]);
  }
  return isFilled ? node : leaf;
}

export function compareValues(typeIn: MergeType, before: unknown, after: unknown): Changes {
  if (before === after) return nothing;
  if (before === undefined) return { changed: whole(typeIn, after), removed: undefined };
  if (after === undefined) return { changed: undefined, removed: whole(typeIn, before) };
  const type = shapeOf(typeIn, before);
  if (type !== typeIn && !isObject(after)) {
    // A free map became something else: what it held is gone, and there is a new value.
    const { removed } = compareMaps(deducedMap, before as JsonObject, {});
    return { changed: leaf, removed };
  }
  if (type.shape === 'map' && !type.isAtomic) return compareMapValues(type, before, after);
  if (typeIn.shape === 'deduced' && isObject(after)) {
    const { changed } = compareMaps(deducedMap, {}, after);
    return { changed: changed ? { '.': leaf, ...changed } : leaf, removed: undefined };
  }
  if (type.shape === 'list' && type.relation !== 'atomic') return compareListValues(type, before, after);
  return sameValue(before, after) ? nothing : modified;
}

function compareMapValues(type: MapMergeType, before: unknown, after: unknown): Changes {
  if (isNothing(before) && isNothing(after)) return sameValue(before, after) ? nothing : modified;
  return compareMaps(type, isObject(before) ? before : {}, isObject(after) ? after : {});
}

function compareMaps(type: MapMergeType, before: JsonObject, after: JsonObject, skip?: ReadonlySet<string>): Changes {
  const changed: MutableFieldSet = {};
  const removed: MutableFieldSet = {};
  let hasChanged = false;
  let hasRemoved = false;
  const { fields } = type;
  const put = (key: string, a: unknown, b: unknown): void => {
    if (a === b) return;
    const slot = fields?.get(key);
    const inner = slot ? slot.type : type.element;
    if (!inner) return;
    const element = slot ? slot.element : `f:${key}`;
    const changes = compareValues(inner, a, b);
    if (changes.changed) {
      changed[element] = changes.changed;
      hasChanged = true;
    }
    if (changes.removed) {
      removed[element] = changes.removed;
      hasRemoved = true;
    }
  };
  for (const key in after) {
    if (!skip?.has(key)) put(key, Object.hasOwn(before, key) ? before[key] : undefined, after[key]);
  }
  for (const key in before) {
    if (!Object.hasOwn(after, key) && !skip?.has(key)) put(key, before[key], undefined);
  }
  return { changed: hasChanged ? changed : undefined, removed: hasRemoved ? removed : undefined };
}

function compareListValues(type: ListMergeType, before: unknown, after: unknown): Changes {
  if (isNothing(before) && isNothing(after)) return sameValue(before, after) ? nothing : modified;
  if (isNothing(before) && Array.isArray(after)) return { changed: wholeElements(type, after, {}), removed: undefined };
  const changed: MutableFieldSet = {};
  const removed: MutableFieldSet = {};
  const old = indexList(type, Array.isArray(before) ? before : []);
  const now = indexList(type, Array.isArray(after) ? after : []);
  for (const element of new Set([...old.keys(), ...now.keys()])) {
    const changes = compareElements(type, old.get(element) ?? [], now.get(element) ?? []);
    if (changes.changed) changed[element] = changes.changed;
    if (changes.removed) removed[element] = changes.removed;
  }
  return {
    changed: isEmptySet(changed) ? undefined : changed,
    removed: isEmptySet(removed) ? undefined : removed,
  };
}

/** Elements of one name; duplicates count as one value. */
function compareElements(type: ListMergeType, old: readonly unknown[], now: readonly unknown[]): Changes {
  if (old.length <= 1 && now.length <= 1) return compareValues(type.element, old[0], now[0]);
  if (old.length > 1 && now.length > 1) return sameValue(old, now) ? nothing : modified;
  if (old.length > 1) return { changed: now.length > 0 ? whole(type.element, now[0]) : undefined, removed: leaf };
  return { changed: leaf, removed: old.length > 0 ? whole(type.element, old[0]) : undefined };
}

/** Fields of the object itself named in `skip` are not looked at. */
export function compareFields(
  type: MapMergeType,
  before: object,
  after: object,
  skip?: ReadonlySet<string>,
): FieldChanges {
  const { changed, removed } = compareMaps(type, before as JsonObject, after as JsonObject, skip);
  return { changed: changed ?? emptySet, removed: removed ?? emptySet };
}
