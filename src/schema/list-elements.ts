// What names an element of an associative list: its keys, or itself in a set.
import { keyElement } from './field-set.ts';
import type { ListMergeType } from './merge-type.ts';
import { isObject } from './patch-error.ts';

/** An element that cannot be named; the message is upstream's. */
export class ElementError extends Error {}

/** The path element of a list element: `k:{"name":"a"}`, `v:"x"`. @throws ElementError */
export function elementOf(list: ListMergeType, item: unknown): string {
  return list.relation === 'set' ? setElement(item) : keyedElement(list, item);
}

function setElement(item: unknown): string {
  if (isObject(item)) throw new ElementError("associative list without keys has an element that's a map type");
  if (Array.isArray(item)) throw new ElementError('not supported: associative list with lists as elements');
  if (item === null) throw new ElementError("associative list without keys has an element that's an explicit null");
  return `v:${typeof item === 'bigint' ? item : JSON.stringify(item)}`;
}

function keyedElement(list: ListMergeType, item: unknown): string {
  if (item === null) throw new ElementError('associative list with keys may not have a null element');
  if (!isObject(item)) throw new ElementError('associative list with keys may not have non-map elements');
  if (list.keys.length === 1) {
    const { name, default: standard } = list.keys[0]!;
    const value = item[name] === undefined ? standard : item[name];
    if (typeof value === 'string' && name === 'name') return namedElement(value);
    return value === undefined ? keyless(list) : `k:{${JSON.stringify(name)}:${JSON.stringify(value)}}`;
  }
  const keys: Record<string, unknown> = {};
  for (const { name, default: standard } of list.keys) {
    const value = item[name] === undefined ? standard : item[name];
    if (value !== undefined) keys[name] = value;
  }
  return Object.keys(keys).length === 0 ? keyless(list) : keyElement(keys);
}

const maxNamed = 10_000;
const maxNameLength = 64;
const named = new Map<string, string>();

/** Most lists are keyed by name, and the same names come again and again. */
function namedElement(name: string): string {
  const known = named.get(name);
  if (known !== undefined) return known;
  const element = `k:{"name":${JSON.stringify(name)}}`;
  if (name.length > maxNameLength) return element;
  if (named.size >= maxNamed) named.clear();
  named.set(name, element);
  return element;
}

function keyless({ keys }: ListMergeType): never {
  const names = keys.map(({ name }) => JSON.stringify(name)).join(' ');
  throw new ElementError(
    `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
  );
}

/** Elements by name, in order; several under one name where a list has duplicates. */
export function indexList(list: ListMergeType, items: readonly unknown[]): Map<string, unknown[]> {
  const index = new Map<string, unknown[]>();
  for (const item of items) {
    const element = storedElement(list, item);
    const same = index.get(element);
    if (same) same.push(item);
    else index.set(element, [item]);
  }
  return index;
}

/** Stored lists may hold what apply would refuse: such elements share a name and are compared as one. */
export function storedElement(list: ListMergeType, item: unknown): string {
  try {
    return elementOf(list, item);
  } catch (error) {
    if (error instanceof ElementError) return list.relation === 'set' ? 'v:null' : 'k:{}';
    throw error;
  }
}
