// What a manager applied before and applies no longer is taken out, unless somebody else manages it too.

import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Steps } from '../../base/turns.ts';
import { differenceOf, type FieldSet, intersectionOf, isEmptySet, unionOf } from '../../schema/field-set.ts';
import { fieldsOf, withNamedFields, withoutFields } from '../../schema/object-fields.ts';
import { identityOf, type Manager, type Managers } from './manager.ts';
import { converted, mergeType } from './versioned.ts';

export interface Prune {
  readonly merged: KubernetesObject;
  /** The version of `merged`. */
  readonly resource: ResourceInfo;
  /** With what is applied now. */
  readonly managers: Managers;
  /** What the same manager applied before. */
  readonly last: Manager | undefined;
  at(apiVersion: string): ResourceInfo | undefined;
}

export function* prune({ merged, resource, managers, last, at }: Prune): Steps<KubernetesObject> {
  if (!last || isEmptySet(last.fields)) return merged;
  const lastResource = at(last.apiVersion);
  if (!lastResource) return merged;
  const before = converted(resource, lastResource, merged);
  const type = mergeType(lastResource);
  const named = (set: FieldSet): FieldSet => withNamedFields(type, set);
  const dropped = named(last.fields);
  yield;
  const now = managers.get(identityOf(last));
  // Whatever the same manager still names stays, with all that is around it.
  if (now?.apiVersion === last.apiVersion && isEmptySet(differenceOf(dropped, named(now.fields)))) return merged;
  yield;
  const rest = withoutFields(type, before, dropped);
  yield;
  const pruned = yield* withOwned(rest, { before, resource: lastResource, managers, at });
  yield;
  // Only what was applied before may go: what nobody manages stays.
  const there = fieldsOf(type, before);
  yield;
  const left = fieldsOf(type, pruned);
  yield;
  const all = named(there);
  yield;
  const gone = intersectionOf(differenceOf(all, named(left)), dropped);
  if (isEmptySet(gone)) return merged;
  yield;
  return converted(lastResource, resource, withoutFields(type, before, gone) as object as KubernetesObject);
}

interface Owned {
  readonly before: KubernetesObject;
  readonly resource: ResourceInfo;
  readonly managers: Managers;
  at(apiVersion: string): ResourceInfo | undefined;
}

/** Puts back what others manage: everything of `before` goes that is neither in `pruned` nor managed. */
function* withOwned(pruned: object, { before, resource, managers, at }: Owned): Steps<object> {
  const owned = new Map<ResourceInfo, FieldSet>([[resource, {}]]);
  for (const { apiVersion, fields } of managers.values()) {
    const version = at(apiVersion);
    if (version) owned.set(version, unionOf(owned.get(version) ?? {}, fields));
    yield;
  }
  let kept = pruned;
  for (const [version, fields] of owned) {
    const type = mergeType(version);
    const whole = converted(resource, version, before);
    const part = converted(resource, version, kept as KubernetesObject);
    const named = (set: FieldSet): FieldSet => withNamedFields(type, set);
    yield;
    const all = named(fieldsOf(type, whole));
    yield;
    const ours = named(fieldsOf(type, part));
    yield;
    const unowned = differenceOf(all, unionOf(ours, named(fields)));
    yield;
    kept = converted(version, resource, withoutFields(type, whole, unowned) as object as KubernetesObject);
  }
  return kept;
}
