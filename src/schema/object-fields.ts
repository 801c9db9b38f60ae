// The fields an applied object speaks of, and what is left of an object when fields are taken out.
// Recursion is bounded by the depth limit that the objects were checked against.
import { setKey } from './canonical-values.ts';
import {
  below,
  emptySet,
  type FieldSet,
  hasBelow,
  hasElement,
  isEmptySet,
  leaf,
  type MutableFieldSet,
} from './field-set.ts';
import { indexList, storedElement } from './list-elements.ts';
import { deducedType, type ListMergeType, type MapMergeType, type MergeType, typeAt } from './merge-type.ts';
import { isObject, type JsonObject } from './patch-error.ts';

const deducedMap: MapMergeType = { shape: 'map', isAtomic: false, fields: undefined, element: deducedType };

/** What a value merges as: a map or list by its parts, or (undefined) as one value. */
export function granular(type: MergeType, value: unknown): MapMergeType | ListMergeType | undefined {
  if (type.shape === 'deduced') return isObject(value) ? deducedMap : undefined;
  if (type.shape === 'map') return type.isAtomic ? undefined : type;
  if (type.shape === 'list') return type.relation === 'atomic' ? undefined : type;
  return undefined;
}

/** Undefined: a granular map or list that says nothing. `isItem`: the path itself counts, whatever is below. */
function setOf(typeIn: MergeType, value: unknown, isItem: boolean): FieldSet | undefined {
  const type = granular(typeIn, value);
  if (!type) return leaf;
  const node: MutableFieldSet = isItem ? { '.': leaf } : {};
  let isFilled = false;
  const put = (element: string, child: FieldSet | undefined): void => {
    if (child === undefined) return;
    node[element] = child;
    isFilled = true;
  };
  if (type.shape === 'map') {
    if (isObject(value)) {
      for (const key of Object.keys(value)) {
        const inner = typeAt(type, key);
        if (!inner) continue;
        const child = value[key];
        const isLeaf = child === null || (isObject(child) && isEmptySet(child as FieldSet));
        put(`f:${key}`, isLeaf ? leaf : setOf(inner, child, !type.fields?.has(key)));
      }
    }
  } else if (Array.isArray(value)) {
    for (const [element, items] of indexList(type, value)) {
      put(element, items.length > 1 ? leaf : setOf(type.element, items[0], true));
    }
  }
  if (isFilled) return node;
  return isItem ? leaf : undefined;
}

/** The fields of an object as whoever applies it means them. */
export const fieldsOf = (type: MapMergeType, object: object): FieldSet => setOf(type, object, false) ?? emptySet;

/** Named fields that lead to something in the set are in it themselves: a struct without fields left is to go. */
export function withNamedFields(type: MergeType | undefined, set: FieldSet): FieldSet {
  const result: MutableFieldSet = {};
  for (const key of Object.keys(set)) {
    const child = set[key]!;
    if (key === '.' || isEmptySet(child)) {
      result[key] = child;
      continue;
    }
    const name = key.slice(2);
    const isField = key.startsWith('f:');
    const map = type?.shape === 'deduced' ? deducedMap : type;
    const inner = map?.shape === 'map' && isField ? typeAt(map, name) : map?.shape === 'list' ? map.element : undefined;
    const node = withNamedFields(inner, child);
    const isNamed = isField && map?.shape === 'map' && map.fields?.has(name) === true;
    result[key] = isNamed && !('.' in node) ? { '.': leaf, ...node } : node;
  }
  return result;
}

/** The value without the paths of the set; undefined when nothing is left of it. Atomic values lose nothing in part. */
function without(typeIn: MergeType, value: unknown, set: FieldSet): unknown {
  const type = granular(typeIn, value);
  if (!type) return isObject(value) || Array.isArray(value) ? undefined : value;
  if (type.shape === 'map') return isObject(value) ? withoutKeys(type, value, set) : undefined;
  return Array.isArray(value) ? withoutItems(type, value, set) : undefined;
}

function withoutKeys(type: MapMergeType, value: JsonObject, set: FieldSet): JsonObject | undefined {
  const result: JsonObject = {};
  let isFilled = false;
  for (const key of Object.keys(value)) {
    const element = `f:${key}`;
    if (hasElement(set, element)) continue;
    isFilled = true;
    const inner = typeAt(type, key);
    const rest = inner && hasBelow(set, element) ? without(inner, value[key], below(set, element)!) : value[key];
    setKey(result, key, rest === undefined ? null : rest);
  }
  return isFilled ? result : undefined;
}

function withoutItems(type: ListMergeType, items: readonly unknown[], set: FieldSet): unknown[] | undefined {
  const result: unknown[] = [];
  for (const item of items) {
    const element = storedElement(type, item);
    if (hasElement(set, element)) continue;
    const rest = hasBelow(set, element) ? without(type.element, item, below(set, element)!) : item;
    result.push(rest === undefined ? null : rest);
  }
  return result.length > 0 ? result : undefined;
}

/** The object without the fields of the set. What becomes empty becomes null, which the canonical form drops. */
export const withoutFields = (type: MapMergeType, object: object, set: FieldSet): JsonObject =>
  (withoutKeys(type, object as JsonObject, set) ?? {}) as JsonObject;
