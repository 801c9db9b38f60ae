// Server-side apply: merges what is applied, takes out what is applied no longer, and refuses to change what others
// manage unless it is forced to.
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import { badRequest, StatusError } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { Steps } from '../../base/turns.ts';
import { canonical, DecodeError } from '../../schema/codec.ts';
import { compareFields, type FieldChanges } from '../../schema/compare-fields.ts';
import { differenceOf, intersectionOf, isEmptySet, unionOf } from '../../schema/field-set.ts';
import { mergeObjects } from '../../schema/merge-objects.ts';
import { fieldsOf } from '../../schema/object-fields.ts';
import { isObject, type JsonObject } from '../../schema/patch-error.ts';
import { sameValue } from '../../schema/same-value.ts';
import { typedProblems } from '../../schema/validate-typed.ts';
import { ApplyConflict, type Conflict } from './conflicts.ts';
import {
  decodeManagers,
  encodeManagers,
  identityOf,
  isSameButTimes,
  type Manager,
  type Managers,
  withoutIdle,
} from './manager.ts';
import { prune } from './prune.ts';
import { changesIn, credited, entriesOf, setEntries, type Write } from './track-update.ts';
import { fieldFilter, filtered, ownable } from './tracked-fields.ts';
import { blankObject, converted, fromStored, mergeType, resourceAt } from './versioned.ts';

const firstManager = 'before-first-apply';

function internal(message: string): StatusError {
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}

const gvkText = (apiVersion: string, kind: string): string => {
  const slash = apiVersion.indexOf('/');
  return `${slash < 0 ? `/${apiVersion}` : apiVersion}, Kind=${kind}`;
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

type AppliedKind = Pick<ResourceInfo, 'group' | 'version' | 'kind' | 'typeName' | 'custom'>;

/** What is applied must be of the kind of the path, and fit its schema. @throws StatusError */
export function checkApplied(resource: AppliedKind, applied: JsonObject): void {
  const apiVersion = textOf(applied['apiVersion']);
  const kind = textOf(applied['kind']);
  if (apiVersion !== apiVersionOf(resource) || kind !== resource.kind) {
    throw badRequest(`invalid object type: ${gvkText(apiVersion || '/', kind).replace(/^\/\//, '/')}`);
  }
  const metadata = isObject(applied['metadata']) ? applied['metadata'] : {};
  if (Array.isArray(metadata['managedFields']) && metadata['managedFields'].length > 0) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const problems = typedProblems(mergeType(resource), applied);
  if (problems === undefined) return;
  const who = `${textOf(metadata['namespace'])}/${textOf(metadata['name'])}; ${gvkText(apiVersion, kind)}`;
  throw internal(`failed to create typed patch object (${who}): ${problems}`);
}

export interface Applied {
  /** In the version of the request, not defaulted; undefined: the stored object is not changed. */
  readonly object: KubernetesObject | undefined;
  readonly managers: Managers;
}

/** `current` is in the storage version; absent: the object is to be created. @throws StatusError */
export function* applyObject(
  write: Write,
  current: KubernetesObject | undefined,
  applied: JsonObject,
  force: boolean,
): Steps<Applied> {
  const live = current ? fromStored(write.resource, current) : blankObject(write.resource.typeName);
  const managers = yield* managersOf(write, current);
  return yield* applyTo(write, live, managers, applied, force);
}

/** Of an object nobody tracked yet, all is owned by those before. */
function* managersOf(write: Write, current: KubernetesObject | undefined): Steps<Managers> {
  if (!current) return new Map();
  const managers = decodeManagers(entriesOf(current), true) ?? new Map<string, Manager>();
  if (managers.size > 0) return managers;
  return yield* credited({ ...write, manager: firstManager }, managers, (resource) =>
    changesIn(write, resource, undefined, current),
  );
}

function* applyTo(
  write: Write,
  live: KubernetesObject,
  managers: Managers,
  applied: JsonObject,
  force: boolean,
): Steps<Applied> {
  const { resource } = write;
  const type = mergeType(resource);
  const who = {
    name: write.manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(resource),
    subresource: write.subresource,
  } as const;
  const key = identityOf(who);
  const last = managers.get(key);
  const fields = filtered(ownable(fieldsOf(type, applied)), fieldFilter(resource, write.subresource));
  const owners = new Map(managers);
  owners.set(key, { ...who, fields, time: last?.time });
  yield;
  const at = (apiVersion: string) => resourceAt(write.table, resource, apiVersion);
  const merged = mergeObjects(type, live, applied) as object as KubernetesObject;
  // What is compared is what was said, as it was said: upstream takes another spelling of a value for another value.
  yield;
  const said = yield* prune({ merged, resource, managers: owners, last, at });
  yield;
  // Without the entries, which are often the larger part and are written anew.
  let known: KubernetesObject | undefined;
  const read = () => {
    known ??= readable(resource, withoutEntries(said));
    return known;
  };
  const after = yield* withoutTaken(write, owners, key, { live, said, read }, force);
  yield;
  if (sameValue(withoutEntries(said), withoutEntries(live))) return { object: undefined, managers: withoutIdle(after) };
  const object = read();
  after.set(key, { ...after.get(key)!, time: rfc3339(write.nowMs) });
  return { object, managers: withoutIdle(after) };
}

const withoutEntries = (object: KubernetesObject): object => {
  const { managedFields: _entries, ...metadata } = object.metadata;
  return { ...object, metadata };
};

/** @throws StatusError for values that only look right */
function readable(resource: ResourceInfo, object: object): KubernetesObject {
  try {
    return canonical<KubernetesObject>(resource.typeName, object);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { metadata, apiVersion, kind } = object as KubernetesObject;
    const gvk = gvkText(apiVersion ?? '', kind ?? '');
    const who = `${metadata.namespace ?? ''}/${metadata.name}; ${gvk}`;
    throw internal(
      `failed to convert new object (${who}) to proper version: unable to convert unstructured object to ${gvk}: ${error.message}`,
    );
  }
}

/** Others lose what this apply changes or removes. @throws ApplyConflict when they would and it is not forced */
function* withoutTaken(
  write: Write,
  managers: Managers,
  own: string,
  states: States,
  force: boolean,
): Steps<Map<string, Manager>> {
  const { resource } = write;
  const known = new Map<string, FieldChanges>();
  const conflicts: Conflict[] = [];
  const after = new Map<string, Manager>();
  for (const [key, manager] of managers) {
    if (key === own) {
      after.set(key, manager);
      continue;
    }
    const version = resourceAt(write.table, resource, manager.apiVersion);
    if (!version) continue;
    const changes = known.get(manager.apiVersion) ?? changesBetween(write, version, states);
    known.set(manager.apiVersion, changes);
    yield;
    const taken = intersectionOf(manager.fields, changes.changed);
    if (!isEmptySet(taken)) conflicts.push({ manager, fields: taken });
    const fields = differenceOf(manager.fields, unionOf(taken, changes.removed));
    after.set(key, { ...manager, fields });
  }
  if (conflicts.length > 0 && !force) throw new ApplyConflict(conflicts);
  return after;
}

interface States {
  readonly live: KubernetesObject;
  readonly said: KubernetesObject;
  /** The same in canonical form. @throws StatusError for values that only look right */
  read(): KubernetesObject;
}

function changesBetween(write: Write, version: ResourceInfo, { live, said, read }: States): FieldChanges {
  const { resource, subresource } = write;
  const filter = fieldFilter(version, subresource);
  const before = converted(resource, version, live);
  const after = version === resource ? said : converted(resource, version, read());
  const changes = compareFields(mergeType(version), before, after, filter.skip);
  if (!filter.ignored) return changes;
  return { changed: filtered(changes.changed, filter), removed: filtered(changes.removed, filter) };
}

/** Writes the managers into the object; when nothing but times would change, not even those do. */
export function* stampManagers(
  object: KubernetesObject,
  managers: Managers,
  current: KubernetesObject | undefined,
): Steps<void> {
  delete object.metadata.managedFields;
  const live = current ? entriesOf(current) : [];
  const isQuiet =
    current !== undefined &&
    isSameButTimes(managers, decodeManagers(live, true) ?? new Map()) &&
    sameValue(withoutVersion(object), withoutVersion(current));
  yield;
  setEntries(object, isQuiet ? live : encodeManagers(managers));
}

const withoutVersion = (object: KubernetesObject): object => {
  const { managedFields: _entries, resourceVersion: _version, ...metadata } = object.metadata;
  return { ...object, metadata };
};
