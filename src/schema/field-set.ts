// Sets of field paths, in the very form that managedFields keep them (FieldsV1): a tree of objects whose keys are path
// elements (`f:NAME` a field, `k:{…}` a list element by its keys, `v:…` an element of a set, `i:N` an index). An object
// without keys is a path in the set; one with keys is in the set itself when `.` is among them. Nothing here changes
// its arguments: stored sets are frozen and shared.
// Recursion is bounded by the depth limit of bodies, which sets in objects have passed and others follow.

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A set under construction. */
export interface MutableFieldSet {
  [element: string]: FieldSet;
}

/** The set of nothing, and the node of a path without longer ones below it. */
export const leaf: FieldSet = Object.freeze({});
export const emptySet: FieldSet = leaf;

const self = '.';

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** The path that leads to this node is in the set. */
const isMember = (node: FieldSet): boolean => self in node || isEmptySet(node);

// To look whether a large object is empty takes as long as to look at all of it: what is known of it is remembered.

function union(a: FieldSet, b: FieldSet, isRoot: boolean): FieldSet {
  if (a === b) return a;
  const result: MutableFieldSet = {};
  if (!isRoot && (isMember(a) || isMember(b))) {
    if (isEmptySet(a) && isEmptySet(b)) return leaf;
    result[self] = leaf;
  }
  for (const key in a) {
    if (key === self) continue;
    const other = b[key];
    result[key] = other === undefined ? a[key]! : union(a[key]!, other, false);
  }
  for (const key in b) if (key !== self && a[key] === undefined) result[key] = b[key]!;
  return result;
}

export function unionOf(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b;
  if (isEmptySet(b)) return a;
  return union(a, b, true);
}

function difference(a: FieldSet, b: FieldSet, isRoot: boolean): FieldSet | undefined {
  const wasMember = !isRoot && isMember(a);
  const staysMember = wasMember && !isMember(b);
  const rest: MutableFieldSet = {};
  if (staysMember) rest[self] = leaf;
  let isSame = wasMember === staysMember;
  let isFilled = false;
  for (const key in a) {
    if (key === self) continue;
    const mine = a[key]!;
    const theirs = b[key];
    const left = theirs === undefined ? mine : difference(mine, theirs, false);
    if (left !== mine) isSame = false;
    if (left === undefined) continue;
    rest[key] = left;
    isFilled = true;
  }
  if (isSame) return a;
  if (isFilled || isRoot) return rest;
  return staysMember ? leaf : undefined;
}

/** The paths of `a` that are not in `b`; `a` itself when that is all of them. */
export const differenceOf = (a: FieldSet, b: FieldSet): FieldSet => difference(a, b, true) ?? emptySet;

function intersection(a: FieldSet, b: FieldSet, isRoot: boolean): FieldSet | undefined {
  const areMembers = !isRoot && isMember(a) && isMember(b);
  const both: MutableFieldSet = {};
  if (areMembers) both[self] = leaf;
  let isFilled = false;
  for (const key in a) {
    const theirs = key === self ? undefined : b[key];
    const shared = theirs === undefined ? undefined : intersection(a[key]!, theirs, false);
    if (shared === undefined) continue;
    both[key] = shared;
    isFilled = true;
  }
  if (isFilled || isRoot) return both;
  return areMembers ? leaf : undefined;
}

export const intersectionOf = (a: FieldSet, b: FieldSet): FieldSet => intersection(a, b, true) ?? emptySet;

/** The paths of `set` that are neither in `roots` nor below one of its paths. */
export function withoutBelow(set: FieldSet, roots: FieldSet): FieldSet {
  const rest: MutableFieldSet = {};
  let isSame = true;
  for (const key in set) {
    const mine = set[key]!;
    const root = key === self ? undefined : roots[key];
    if (root === undefined) {
      rest[key] = mine;
      continue;
    }
    const left = isMember(root) ? emptySet : withoutBelow(mine, root);
    if (left !== mine) isSame = false;
    if (!isEmptySet(left)) rest[key] = left;
    else if (!isMember(root) && isEmptySet(mine)) rest[key] = mine;
  }
  return isSame ? set : rest;
}

/** What the set says below one element. */
export const below = (set: FieldSet | undefined, element: string): FieldSet | undefined => set?.[element];

/** The path of one element is in the set. */
export function hasElement(set: FieldSet | undefined, element: string): boolean {
  const node = set?.[element];
  return node !== undefined && isMember(node);
}

/** Something longer than the path of this element is in the set. */
export function hasBelow(set: FieldSet | undefined, element: string): boolean {
  const node = set?.[element];
  if (node === undefined) return false;
  for (const key in node) if (key !== self) return true;
  return false;
}

/** Both hold the same paths, whatever their order. */
export function isSameSet(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  let count = 0;
  for (const key in a) {
    const theirs = b[key];
    if (theirs === undefined || !isSameSet(a[key]!, theirs)) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}

function elementText(element: string): string {
  const text = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${text}`;
    case 'k': {
      const keys = JSON.parse(text) as Record<string, unknown>;
      const pairs = Object.keys(keys).map((key) => `${key}=${keyText(keys[key])}`);
      return `[${pairs.join(',')}]`;
    }
    case 'v':
      return `[=${text}]`;
    default:
      return `[${text}]`;
  }
}

/** Keys that are objects are no keys, and are printed in a way of their own. */
function keyText(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null || depth > 10) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => keyText(item, depth + 1)).join(',')}]`;
  return Object.entries(value)
    .map(([name, inner]) => `${name}=${keyText(inner, depth + 1)}`)
    .join('');
}

/** One path element as upstream prints it: `.name`, `[name="a"]`, `[="x"]`, `[0]`. */
export const printElement = elementText;

/** Every path of the set as upstream prints it: `.spec.containers[name="app"].image`. */
export function pathsOf(set: FieldSet): string[] {
  const paths: string[] = [];
  collect(set, '', paths);
  return paths;
}

/** What is in the set itself comes before what is below. */
function collect(node: FieldSet, prefix: string, paths: string[]): void {
  const keys = Object.keys(node)
    .filter((key) => key !== self)
    .sort();
  for (const key of keys) if (isMember(node[key]!)) paths.push(prefix + elementText(key));
  for (const key of keys) collect(node[key]!, prefix + elementText(key), paths);
}

/** `k:{"name":"a"}` with the keys in one order, so that equal elements have equal names. */
export function keyElement(keys: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(keys);
  if (names.length === 1) return `k:{${JSON.stringify(names[0])}:${JSON.stringify(keys[names[0]!])}}`;
  return `k:{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(keys[name])}`)
    .join(',')}}`;
}

/** The element as we spell it, or undefined for what is none. */
function normalElement(element: string): string | undefined {
  if (element === self) return element;
  if (element[1] !== ':') return undefined;
  const text = element.slice(2);
  if (element[0] === 'f') return element;
  if (element[0] === 'i') return /^-?\d+$/.test(text) ? element : undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (element[0] === 'v') return `v:${JSON.stringify(value)}`;
    if (element[0] !== 'k' || typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return keyElement(value as Record<string, unknown>);
  } catch {
    return undefined;
  }
}

const compareValues = (a: unknown, b: unknown): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return a === b ? 0 : String(a) < String(b) ? -1 : 1;
};

/** Elements of lists by the values of their keys, so that port 80 comes before 443; everything else by its text. */
function compareElements(a: string, b: string): number {
  if (a[0] !== b[0] || a[0] === 'f') return a < b ? -1 : 1;
  if (a[0] === 'i') return Number(a.slice(2)) - Number(b.slice(2));
  const plain = plainKey(a);
  const otherPlain = plain === undefined ? undefined : plainKey(b);
  if (plain !== undefined && otherPlain !== undefined) return plain < otherPlain ? -1 : plain > otherPlain ? 1 : 0;
  const [one, other] = [JSON.parse(a.slice(2)), JSON.parse(b.slice(2))];
  if (a[0] === 'v') return compareValues(one, other);
  const [names, others] = [Object.keys(one), Object.keys(other)];
  for (const [index, name] of names.entries()) {
    if (name !== others[index]) return compareValues(name, others[index]);
    const order = compareValues(one[name], other[name]);
    if (order !== 0) return order;
  }
  return names.length - others.length;
}

/** `k:{"name":"a"}` up to the end of its value, which sorts as the value does: most elements, and nothing to parse. */
function plainKey(element: string): string | undefined {
  if (!element.startsWith('k:{"name":"') || !element.endsWith('"}')) return undefined;
  return element.includes('\\') || element.includes(',"') ? undefined : element.slice(0, -2);
}

/** The same set with the elements in upstream's order, in which it is stored; itself where they are. */
export function inOrder(set: FieldSet): FieldSet {
  if (set === leaf) return set;
  const keys = Object.keys(set);
  let ordered: Map<string, FieldSet> | undefined;
  let isOrdered = true;
  for (let index = 0; index < keys.length; index++) {
    const child = set[keys[index]!]!;
    const next = inOrder(child);
    if (next !== child) {
      ordered ??= new Map();
      ordered.set(keys[index]!, next);
    }
    if (isOrdered && index > 0 && compareElements(keys[index - 1]!, keys[index]!) > 0) isOrdered = false;
  }
  if (isOrdered && !ordered) return set;
  if (!isOrdered) keys.sort(compareElements);
  const result: MutableFieldSet = {};
  for (const key of keys) result[key] = ordered?.get(key) ?? set[key]!;
  return result;
}

/** FieldsV1 as a client wrote it, in our spelling; undefined when it is none. */
export function decodeFields(fields: unknown): FieldSet | undefined {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return undefined;
  const set: MutableFieldSet = {};
  for (const [key, value] of Object.entries(fields)) {
    const element = normalElement(key);
    const child = element === undefined ? undefined : decodeFields(value);
    if (child === undefined) return undefined;
    set[element!] = child;
  }
  return set;
}

/** The set of one path of field names. */
export function pathSet(...names: string[]): FieldSet {
  return names.reduceRight<FieldSet>((node, name) => ({ [`f:${name}`]: node }), leaf);
}
