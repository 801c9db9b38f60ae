// Writes of a Scale change one field of the object: its replicas. Whoever writes them that way manages that field through the
// `scale` subresource. Such entries have no time, as upstream's do not.

import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import { compareFields } from '../../schema/compare-fields.ts';
import { copyJson } from '../../schema/copy-json.ts';
import { differenceOf, type FieldSet, intersectionOf, isEmptySet, pathSet, unionOf } from '../../schema/field-set.ts';
import { ApplyConflict } from './conflicts.ts';
import {
  capUpdateManagers,
  decodeManagers,
  encodeManagers,
  identityOf,
  type Manager,
  type Managers,
  type Operation,
  withoutIdle,
} from './manager.ts';
import { entriesOf, setEntries, type Write } from './track-update.ts';
import { mergeType } from './versioned.ts';

const inScale = pathSet('spec', 'replicas');

/** The path of the replicas in objects of this kind. */
function replicasPath({ resource }: Write, object: KubernetesObject): FieldSet {
  const { scale } = resource.rules;
  const [one, two] = [1, 2].map((replicas) => {
    const copy = copyJson(object);
    scale!.set(copy, replicas);
    return copy;
  });
  return compareFields(mergeType(resource), one!, two!).changed;
}

const owns = (manager: Manager, path: FieldSet): boolean => !isEmptySet(intersectionOf(manager.fields, path));

function given(write: Write, operation: Operation, managers: Managers, path: FieldSet): Managers {
  const who = {
    name: write.manager,
    operation,
    apiVersion: apiVersionOf(write.resource),
    subresource: write.subresource,
  } as const;
  const key = identityOf(who);
  const before = managers.get(key);
  const after = new Map(managers);
  after.set(key, { ...who, time: before?.time, fields: before ? unionOf(before.fields, path) : path });
  return after;
}

function taken(managers: Managers, path: FieldSet): Managers {
  return withoutIdle(
    new Map([...managers].map(([key, each]) => [key, { ...each, fields: differenceOf(each.fields, path) }])),
  );
}

const liveManagers = (current: KubernetesObject): Managers => decodeManagers(entriesOf(current), true) ?? new Map();

/** A Scale was put or patched. */
export function trackScale(write: Write, current: KubernetesObject, next: KubernetesObject): void {
  const { changed } = compareFields(mergeType(write.resource), current, next, new Set(['metadata']));
  if (isEmptySet(changed)) return;
  const managers = liveManagers(current);
  // What nobody managed stays so.
  if (![...managers.values()].some((manager) => owns(manager, changed))) return;
  const after = given(write, 'Update', taken(managers, changed), changed);
  setEntries(next, encodeManagers(capUpdateManagers(after)));
}

export interface ScaleApply {
  readonly current: KubernetesObject;
  /** Absent: the manager has no opinion any more. */
  readonly replicas: number | undefined;
  readonly force: boolean;
}

/** The managers after a Scale was applied. @throws ApplyConflict */
export function applyScale(write: Write, { current, replicas, force }: ScaleApply): Managers {
  const path = replicasPath(write, current);
  const managers = liveManagers(current);
  const own = identityOf({ name: write.manager, operation: 'Apply', apiVersion: '', subresource: write.subresource });
  if (replicas === undefined) {
    const before = managers.get(own);
    if (!before) return managers;
    return withoutIdle(new Map([...managers, [own, { ...before, fields: differenceOf(before.fields, path) }]]));
  }
  if (replicas === write.resource.rules.scale!.get(current).replicas) return given(write, 'Apply', managers, path);
  const others = [...managers].filter(([key, each]) => key !== own && owns(each, path)).map(([, each]) => each);
  if (others.length > 0 && !force) throw new ApplyConflict(others.map((manager) => ({ manager, fields: inScale })));
  return given(write, 'Apply', taken(managers, path), path);
}
