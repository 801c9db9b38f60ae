// Credits a write with the fields it changed: whoever writes a value owns it, and nobody else does any longer.
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { rfc3339 } from '../../base/clock.ts';
import { inOnePiece, inSlices, type Slices, type Steps } from '../../base/turns.ts';
import { compareFields, type FieldChanges } from '../../schema/compare-fields.ts';
import { differenceOf, type emptySet, type FieldSet, isEmptySet, unionOf } from '../../schema/field-set.ts';
import { sameValue } from '../../schema/same-value.ts';
import type { ResourceTable } from '../registry/resource-table.ts';
import { knownFields } from './known-fields.ts';
import {
  capUpdateManagers,
  decodeManagers,
  encodeManager,
  encodeManagers,
  identityOf,
  type ManagedFieldsEntry,
  type Manager,
  type Managers,
  withoutIdle,
} from './manager.ts';
import { fieldFilter, filtered, ownable } from './tracked-fields.ts';
import { blankObject, fromStored, mergeType, resourceAt } from './versioned.ts';

/** Who writes what. */
export interface Write {
  /** In the version of the request. */
  readonly resource: ResourceInfo;
  readonly table: ResourceTable;
  readonly subresource: string;
  readonly manager: string;
  readonly nowMs: number;
}

export const entriesOf = ({ metadata }: KubernetesObject): readonly ManagedFieldsEntry[] =>
  metadata.managedFields ?? [];

export function setEntries({ metadata }: KubernetesObject, entries: readonly ManagedFieldsEntry[]): void {
  if (entries.length === 0) delete metadata.managedFields;
  else metadata.managedFields = entries as NonNullable<typeof metadata.managedFields>;
}

/** The object is new, in the storage version. */
export const trackCreate = (write: Write, object: KubernetesObject): void => inOnePiece(trackingNew(write, object));

/** The same in turns of the event loop, when it takes long. */
export const trackLargeCreate = (
  write: Write,
  object: KubernetesObject,
  slices: Slices | undefined,
): void | Promise<void> => inSlices(trackingNew(write, object), slices);

function* trackingNew(write: Write, object: KubernetesObject): Steps<void> {
  const sent = object.metadata.managedFields;
  delete object.metadata.managedFields;
  const managers = (!sent || isReset(sent) ? undefined : decodeManagers(sent, false)) ?? new Map();
  if (managers.size === 0) {
    const fields = yield* fieldsOfNew(write, object);
    setEntries(object, isEmptySet(fields) ? [] : [encodeManager({ ...updater(write), fields })]);
    return;
  }
  const changes = changesIn(write, write.resource, undefined, object);
  yield;
  const after = yield* credited(write, managers, () => changes);
  yield;
  setEntries(object, encodeManagers(after));
}

/**
 * `current` and `next` are in the storage version; `next` is what is sent, and gets the entries. In turns of the event
 * loop: of an object with very many fields each step takes a while.
 */
export async function trackUpdate(
  write: Write,
  current: KubernetesObject,
  next: KubernetesObject,
  slices: Slices | undefined,
): Promise<void> {
  await inSlices(tracking(write, current, next), slices);
}

function* tracking(write: Write, current: KubernetesObject, next: KubernetesObject): Steps<void> {
  const live = entriesOf(current);
  const sent = next.metadata.managedFields;
  delete next.metadata.managedFields;
  const managers = baseManagers(write, live, sent);
  // Nobody ever tracked this object, or the client wants nobody to.
  if (managers.size === 0) return;
  yield;
  const changes = changesIn(write, write.resource, current, next);
  yield;
  const changesAt = (resource: ResourceInfo) =>
    resource === write.resource ? changes : changesIn(write, resource, current, next);
  const after = yield* credited(write, managers, changesAt);
  yield;
  setEntries(next, encodeManagers(after));
}

/** `managedFields: [{}]`: the client wants to start over. */
const isReset = (sent: readonly ManagedFieldsEntry[]): boolean =>
  sent.length === 1 && isEmptySet(sent[0] as object as typeof emptySet);

function baseManagers(
  { subresource }: Write,
  live: readonly ManagedFieldsEntry[],
  sent: readonly ManagedFieldsEntry[] | undefined,
): Managers {
  const stored = () => decodeManagers(live, true) ?? new Map();
  if (subresource || !sent || sent.length === 0 || sameValue(sent, live)) return stored();
  if (isReset(sent)) return new Map();
  return decodeManagers(sent, false) ?? stored();
}

/** What the write changes, as this version of the kind names it. */
export function changesIn(
  write: Write,
  resource: ResourceInfo,
  current: KubernetesObject | undefined,
  next: KubernetesObject,
): FieldChanges {
  const before = current ? fromStored(resource, current) : blankObject(resource.typeName);
  const filter = fieldFilter(resource, write.subresource);
  const changes = compareFields(mergeType(resource), before, fromStored(resource, next), filter.skip);
  if (!filter.ignored) return changes;
  return { changed: filtered(changes.changed, filter), removed: filtered(changes.removed, filter) };
}

/** Takes what changed from everybody and gives it to the writer. */
export function* credited(
  write: Write,
  managers: Managers,
  changesAt: (resource: ResourceInfo) => FieldChanges,
): Steps<Managers> {
  const mine = changesAt(write.resource);
  yield;
  const after = yield* withoutChanged(write, managers, mine, changesAt);
  const fields = ownable(mine.changed);
  if (isEmptySet(fields)) return after;
  const who = updater(write);
  const key = identityOf(who);
  const before = after.get(key);
  const result = new Map(after);
  result.set(key, { ...who, fields: before ? unionOf(before.fields, fields) : fields });
  return capUpdateManagers(result);
}

const updater = ({ manager, resource, subresource, nowMs }: Write): Omit<Manager, 'fields'> => ({
  name: manager,
  operation: 'Update',
  apiVersion: apiVersionOf(resource),
  subresource,
  time: rfc3339(nowMs),
});

/** All that a new object says. */
function* fieldsOfNew(write: Write, object: KubernetesObject): Steps<FieldSet> {
  const { resource } = write;
  const filter = fieldFilter(resource, write.subresource);
  const changed = () => changesIn(write, resource, undefined, object).changed;
  if (filter.ignored) return ownable(changed());
  const known = { type: mergeType(resource), blank: blankObject(resource.typeName), skip: filter.skip };
  return yield* knownFields(known, fromStored(resource, object), changed);
}

function* withoutChanged(
  write: Write,
  managers: Managers,
  mine: FieldChanges,
  changesAt: (resource: ResourceInfo) => FieldChanges,
): Steps<Managers> {
  const known = new Map([[apiVersionOf(write.resource), mine]]);
  let after: Map<string, Manager> | undefined;
  for (const [key, manager] of managers) {
    let changes = known.get(manager.apiVersion);
    if (!changes) {
      const resource = resourceAt(write.table, write.resource, manager.apiVersion);
      // A version that is gone cannot be compared: its entry goes, too.
      if (!resource) {
        after ??= new Map(managers);
        after.delete(key);
        continue;
      }
      changes = changesAt(resource);
      known.set(manager.apiVersion, changes);
    }
    const fields = differenceOf(differenceOf(manager.fields, changes.changed), changes.removed);
    yield;
    if (fields === manager.fields) continue;
    after ??= new Map(managers);
    after.set(key, { ...manager, fields });
  }
  return after ? withoutIdle(after) : managers;
}
