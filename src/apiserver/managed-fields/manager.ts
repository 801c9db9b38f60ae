// Who manages which fields of an object: metadata.managedFields, read and written.
import { decodeFields, type FieldSet, inOrder, isEmptySet, isSameSet, unionOf } from '../../schema/field-set.ts';

/** An entry as objects hold it, in Go's order of fields. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly time?: string | null;
  readonly fieldsType?: string;
  readonly fieldsV1?: unknown;
  readonly subresource?: string;
}

export type Operation = 'Apply' | 'Update';

export interface Manager {
  readonly name: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** By identity: one manager has one entry for applying, and one for updating in each version. */
export type Managers = ReadonlyMap<string, Manager>;

export const identityOf = (who: Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>): string =>
  JSON.stringify([who.name, who.operation, who.operation === 'Update' ? who.apiVersion : '', who.subresource]);

const noManagers: Managers = new Map();

/** Sets that are in order already: as they were stored, or known. */
const orderedSets = new WeakSet<FieldSet>();

export const markOrdered = (fields: FieldSet): void => void orderedSets.add(fields);

/** Undefined when an entry is none. `isTrusted`: we wrote them ourselves, and know how paths are spelled. */
export function decodeManagers(entries: readonly ManagedFieldsEntry[], isTrusted: boolean): Managers | undefined {
  if (entries.length === 0) return noManagers;
  const managers = new Map<string, Manager>();
  for (const entry of entries) {
    const { operation, apiVersion, fieldsType, fieldsV1 = {} } = entry;
    if ((operation !== 'Apply' && operation !== 'Update') || !apiVersion || fieldsType !== 'FieldsV1') return undefined;
    const fields = isTrusted ? (fieldsV1 as FieldSet) : decodeFields(fieldsV1 ?? {});
    if (!fields) return undefined;
    if (isTrusted) orderedSets.add(fields);
    const manager: Manager = {
      name: entry.manager ?? '',
      operation,
      apiVersion,
      subresource: entry.subresource ?? '',
      time: entry.time ?? undefined,
      fields,
    };
    managers.set(identityOf(manager), manager);
  }
  return managers;
}

export function encodeManager({ name, operation, apiVersion, time, fields, subresource }: Manager): ManagedFieldsEntry {
  return {
    ...(name ? { manager: name } : {}),
    operation,
    apiVersion,
    ...(time ? { time } : {}),
    fieldsType: 'FieldsV1',
    fieldsV1: orderedSets.has(fields) ? fields : inOrder(fields),
    ...(subresource ? { subresource } : {}),
  };
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function byAge(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.name, b.name) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  if (managers.size === 1) return [encodeManager(managers.values().next().value!)];
  return [...managers.values()].sort(byAge).map(encodeManager);
}

/** The same managers with the same fields, whenever they wrote them. */
export function isSameButTimes(a: Managers, b: Managers): boolean {
  if (a.size !== b.size) return false;
  for (const [key, mine] of a) {
    const theirs = b.get(key);
    if (!theirs || theirs.apiVersion !== mine.apiVersion || !isSameSet(mine.fields, theirs.fields)) return false;
  }
  return true;
}

const maxUpdateManagers = 10;
const ancientName = 'ancient-changes';

/** Too many managers that update: the oldest of each version become one. */
export function capUpdateManagers(managers: Managers): Managers {
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update');
  if (updaters.length <= maxUpdateManagers) return managers;
  updaters.sort(([aKey, a], [bKey, b]) => compareText(a.time ?? '', b.time ?? '') || compareText(aKey, bKey));
  const capped = new Map(managers);
  const firsts = new Map<string, string>();
  let count = updaters.length;
  for (const [key, { apiVersion, time, fields }] of updaters) {
    if (count <= maxUpdateManagers) break;
    const first = firsts.get(apiVersion);
    if (first === undefined) {
      firsts.set(apiVersion, key);
      continue;
    }
    const bucket = { name: ancientName, operation: 'Update', apiVersion, subresource: '' } as const;
    const bucketKey = identityOf(bucket);
    const gathered = capped.get(bucketKey) ?? capped.get(first)!;
    if (!capped.has(bucketKey)) capped.delete(first);
    capped.delete(key);
    capped.set(bucketKey, { ...bucket, time, fields: unionOf(gathered.fields, fields) });
    count--;
  }
  return capped;
}

/** Managers without those that manage nothing any more. */
export function withoutIdle(managers: Managers): Managers {
  for (const { fields } of managers.values()) {
    if (isEmptySet(fields)) return new Map([...managers].filter(([, each]) => !isEmptySet(each.fields)));
  }
  return managers;
}
