// The fields of new objects that look like others made before: the set is found, in order and printed, not made again.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { Steps } from '../../base/turns.ts';
import { type FieldSet, inOrder } from '../../schema/field-set.ts';
import { isChange, type Shape, shapeOfSet } from '../../schema/known-changes.ts';
import type { MapMergeType } from '../../schema/merge-type.ts';
import { deepFreeze } from '../registry/entry.ts';
import { markOrdered } from './manager.ts';
import { ownable } from './tracked-fields.ts';

interface Known {
  /** Of all that changed, also what nobody owns. */
  readonly shape: Shape;
  readonly fields: FieldSet;
}

/** Looks of one kind; the one that was met last comes first. */
const maxKnown = 4;
const maxElements = 500;
const kinds = new WeakMap<MapMergeType, Known[]>();
const printed = new WeakMap<object, string>();

export interface NewObjects {
  readonly type: MapMergeType;
  /** What an object is before anything is said about it. */
  readonly blank: KubernetesObject;
  readonly skip: ReadonlySet<string>;
}

/** What a new object's creator owns, in order; frozen. `changed`: finds what differs from the blank object. */
export function* knownFields(of: NewObjects, object: KubernetesObject, changed: () => FieldSet): Steps<FieldSet> {
  const known = kinds.get(of.type) ?? [];
  for (let index = 0; index < known.length; index++) {
    const each = known[index]!;
    if (!isChange(of.type, of.blank as never, object as never, each.shape, of.skip)) continue;
    if (index > 0) known.unshift(...known.splice(index, 1));
    return each.fields;
  }
  yield;
  const set = changed();
  yield;
  const shape = shapeOfSet(set, maxElements);
  const fields = inOrder(ownable(set));
  markOrdered(fields);
  if (!shape) return fields;
  known.unshift({ shape, fields: deepFreeze(fields) });
  known.length = Math.min(known.length, maxKnown);
  kinds.set(of.type, known);
  printed.set(fields, JSON.stringify(fields));
  return fields;
}

/** The JSON of a set; undefined for one that is not known. */
export const printedFields = (fields: object): string | undefined => printed.get(fields);
