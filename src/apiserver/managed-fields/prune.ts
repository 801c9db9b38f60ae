// What a manager applied before and applies no longer is taken out, unless somebody else manages it too.

import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { differenceOf, type FieldSet, intersectionOf, isEmptySet, unionOf } from '../../schema/field-set.ts';
import { fieldsOf, withNamedFields, withoutFields } from '../../schema/object-fields.ts';
import type { Manager, Managers } from './manager.ts';
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

export function prune({ merged, resource, managers, last, at }: Prune): KubernetesObject {
  if (!last || isEmptySet(last.fields)) return merged;
  const lastResource = at(last.apiVersion);
  if (!lastResource) return merged;
  const before = converted(resource, lastResource, merged);
  const type = mergeType(lastResource);
  const named = (set: FieldSet): FieldSet => withNamedFields(type, set);
  const dropped = named(last.fields);
  const pruned = withOwned(withoutFields(type, before, dropped), { before, resource: lastResource, managers, at });
  // Only what was applied before may go: what nobody manages stays.
  const gone = intersectionOf(differenceOf(named(fieldsOf(type, before)), named(fieldsOf(type, pruned))), dropped);
  if (isEmptySet(gone)) return merged;
  const rest = withoutFields(type, before, gone) as object as KubernetesObject;
  return converted(lastResource, resource, rest);
}

interface Owned {
  readonly before: KubernetesObject;
  readonly resource: ResourceInfo;
  readonly managers: Managers;
  at(apiVersion: string): ResourceInfo | undefined;
}

/** Puts back what others manage: everything of `before` goes that is neither in `pruned` nor managed. */
function withOwned(pruned: object, { before, resource, managers, at }: Owned): object {
  const owned = new Map<ResourceInfo, FieldSet>([[resource, {}]]);
  for (const { apiVersion, fields } of managers.values()) {
    const version = at(apiVersion);
    if (version) owned.set(version, unionOf(owned.get(version) ?? {}, fields));
  }
  let kept = pruned;
  for (const [version, fields] of owned) {
    const type = mergeType(version);
    const whole = converted(resource, version, before);
    const part = converted(resource, version, kept as KubernetesObject);
    const named = (set: FieldSet): FieldSet => withNamedFields(type, set);
    const unowned = differenceOf(named(fieldsOf(type, whole)), unionOf(named(fieldsOf(type, part)), named(fields)));
    kept = converted(version, resource, withoutFields(type, whole, unowned) as object as KubernetesObject);
  }
  return kept;
}
