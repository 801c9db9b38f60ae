// Most objects that are made of one kind look alike: the same fields, with other values. What such an object was credited
// with is remembered as a shape, and an object that fits it gets the very same set: nothing is built, put in order or
// printed again.
// Recursion is bounded by the depth limit that objects were checked against.
import { compareValues, isNothing, shapeOf } from './compare-fields.ts';
import { type FieldSet, isSameSet, leaf } from './field-set.ts';
import { storedElement } from './list-elements.ts';
import type { ListMergeType, MapMergeType, MergeType } from './merge-type.ts';
import { isObject, type JsonObject } from './patch-error.ts';

export interface Shape {
  readonly set: FieldSet;
  /** Elements, `.` not among them. */
  readonly size: number;
  readonly below: ReadonlyMap<string, Shape>;
  /** The last list whose element had it. */
  list: number;
}

const noShape: Shape = { set: {}, size: 0, below: new Map(), list: 0 };
const leafShape: Shape = { set: leaf, size: 0, below: new Map(), list: 0 };

/** Undefined for a set of more than so many elements. */
export function shapeOfSet(set: FieldSet, maxElements: number): Shape | undefined {
  let left = maxElements;
  const build = (node: FieldSet): Shape => {
    if (node === leaf) return leafShape;
    const below = new Map<string, Shape>();
    for (const element of Object.keys(node)) {
      if (element === '.') continue;
      if (--left < 0) break;
      below.set(element, build(node[element]!));
    }
    return { set: node, size: below.size, below, list: 0 };
  };
  const shape = build(set);
  return left < 0 ? undefined : shape;
}

/** Whether `compareFields(type, before, after, skip).changed` has this shape. */
export function isChange(
  type: MapMergeType,
  before: JsonObject,
  after: JsonObject,
  shape: Shape,
  skip?: ReadonlySet<string>,
): boolean {
  let count = 0;
  for (const key in after) {
    const now = after[key];
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    if (now === old || skip?.has(key)) continue;
    const slot = type.fields?.get(key);
    const inner = slot ? slot.type : type.element;
    if (!inner) continue;
    const below = shape.below.get(slot ? slot.element : `f:${key}`);
    if (below) count++;
    if (old === undefined) {
      if (!below || !isWhole(inner, now, below)) return false;
    } else if (inner.shape === 'map' && !inner.isAtomic && isObject(old) && isObject(now) && !isNothing(now)) {
      if (!isChange(inner, old, now, below ?? noShape)) return false;
    } else if (inner.shape === 'list' && inner.relation !== 'atomic' && isNothing(old) && isFilledList(now)) {
      if (!below || !isWholeList(inner, now, below)) return false;
    } else if (!isSameChange(inner, old, now, below)) return false;
  }
  return count === shape.size;
}

const isFilledList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

function isSameChange(type: MergeType, before: unknown, after: unknown, shape: Shape | undefined): boolean {
  const { changed } = compareValues(type, before, after);
  return changed === undefined || shape === undefined ? changed === shape?.set : isSameSet(changed, shape.set);
}

function isWhole(typeIn: MergeType, value: unknown, shape: Shape): boolean {
  if (typeIn.shape === 'scalar') return shape === leafShape;
  const type = shapeOf(typeIn, value);
  if (type.shape === 'map' && !type.isAtomic && isObject(value)) return isWholeMap(type, value, shape);
  if (type.shape === 'list' && type.relation !== 'atomic' && isFilledList(value)) {
    return isWholeList(type, value, shape);
  }
  return shape === leafShape;
}

function isWholeMap({ fields, element }: MapMergeType, value: JsonObject, shape: Shape): boolean {
  let count = 0;
  for (const key in value) {
    const slot = fields?.get(key);
    const inner = slot ? slot.type : element;
    if (inner === undefined) continue;
    count++;
    const below = shape.below.get(slot ? slot.element : `f:${key}`);
    if (!below) return false;
    if (inner.shape === 'scalar' ? below !== leafShape : !isWhole(inner, value[key], below)) return false;
  }
  return count === shape.size;
}

let lists = 0;

/** An element that is there twice is for others to understand. */
function isWholeList(type: ListMergeType, items: readonly unknown[], shape: Shape): boolean {
  if (items.length !== shape.size) return false;
  const list = ++lists;
  for (const item of items) {
    const below = shape.below.get(storedElement(type, item));
    if (!below || !isWhole(type.element, item, below)) return false;
    if (items.length === 1) continue;
    if (below === leafShape || below.list === list) return false;
    below.list = list;
  }
  return true;
}
