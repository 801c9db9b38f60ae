// Commits of objects: bytes to the store, and back as the entry that the cache then holds.
import type { Service } from '../../../generated/core-v1.ts';
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { room } from '../../base/turns.ts';
import { stringify } from '../../schema/codec.ts';
import type { Write } from '../../store/store.ts';
import { printedFields } from '../managed-fields/known-fields.ts';
import { Entry } from './entry.ts';
import { eventStorage } from './expire-events.ts';
import type { Registry } from './registry.ts';
import { claimError, claimWrites } from './service-claims.ts';
import { objectKey } from './storage-key.ts';

/** The bytes the store keeps: canonical JSON without resourceVersion. */
export function storedBytes(resource: ResourceInfo, object: KubernetesObject): Buffer {
  const { metadata } = object;
  delete metadata.resourceVersion;
  const managers = metadata.managedFields;
  const fields = managers?.length === 1 ? printedFields(managers[0]!.fieldsV1 ?? {}) : undefined;
  if (!fields) return Buffer.from(stringify(resource.storage.typeName, object));
  metadata.managedFields = [{ ...managers![0]!, fieldsV1: 0 as never }];
  const text = stringify(resource.storage.typeName, object);
  metadata.managedFields = managers!;
  // The first of its kind: before it there are only texts and maps of texts, in which quotes are escaped.
  const at = text.indexOf(fieldsMark) + fieldsMark.length;
  return Buffer.from(text.slice(0, at - 1) + fields + text.slice(at));
}

const fieldsMark = '"fieldsV1":0';

/** Writes when the key still stands at `ifRevision` (0: is not there). @throws CompareFailedError */
export async function commitObject(
  registry: Registry,
  resource: ResourceInfo,
  { namespace, name }: { namespace: string; name: string },
  bytes: Buffer,
  ifRevision: number,
): Promise<Entry> {
  const { prefix } = registry.sourceOf(resource);
  const key = objectKey(prefix, namespace, name);
  const value = resource.custom?.conversion ? await convertedForStore(resource, bytes) : bytes;
  const write = { key, value, ifRevision };
  const { revision } = isService(resource)
    ? await commitService(
        registry,
        write,
        ifRevision > 0 ? registry.cacheOf(resource).find(namespace, name) : undefined,
        value,
      )
    : await registry.store.commit([isEvent(resource) ? { ...write, ttlSeconds: registry.eventTtlSeconds } : write]);
  // A client that was told of a write finds it in every later read.
  const waiting = registry.headOf(resource).waitFor(revision);
  if (waiting) await waiting;
  // Many writes are acknowledged at once.
  const crowded = room();
  if (crowded) await crowded;
  const cached = registry.cacheOf(resource).find(namespace, name);
  return cached?.revision === revision ? cached : new Entry(key, prefix.length, bytes, revision);
}

export async function commitDeletion(registry: Registry, resource: ResourceInfo, entry: Entry): Promise<number> {
  const key = objectKey(registry.sourceOf(resource).prefix, entry.namespace, entry.name);
  const write = { key, ifRevision: entry.revision };
  const { revision } = isService(resource)
    ? await commitService(registry, write, entry, undefined)
    : await registry.store.commit([write]);
  const waiting = registry.headOf(resource).waitFor(revision);
  if (waiting) await waiting;
  return revision;
}

/** @throws StatusError 500 when it cannot be converted */
async function convertedForStore(resource: ResourceInfo, bytes: Buffer): Promise<Buffer> {
  const { storedAs, convert } = resource.custom!.conversion!;
  const apiVersion = apiVersionOf(resource);
  if (apiVersion === storedAs) return bytes;
  const metadata = () => (JSON.parse(bytes.toString()) as KubernetesObject).metadata;
  const [converted] = await convert([{ apiVersion, json: bytes, metadata }], storedAs);
  return Buffer.from(JSON.stringify(converted));
}

const isService = ({ storage }: ResourceInfo) => storage.plural === 'services' && storage.group === '';
const isEvent = ({ storage }: ResourceInfo) =>
  storage.plural === eventStorage.plural && storage.group === eventStorage.group;

/** A Service together with the addresses and ports it holds. @throws AllocationTakenError */
async function commitService(
  { store }: Registry,
  write: Write,
  before: Entry | undefined,
  after: Buffer | undefined,
): Promise<{ revision: number }> {
  const next = after && (JSON.parse(after.toString()) as Service);
  const claims = claimWrites(before?.object as Service | undefined, next);
  try {
    return await store.commit([write, ...claims]);
  } catch (error) {
    throw claimError(error);
  }
}

/** An entry that is not stored: the answer of a dry run. */
export function unstoredEntry(
  registry: Registry,
  resource: ResourceInfo,
  object: KubernetesObject,
  revision: number,
): Entry {
  const { prefix } = registry.sourceOf(resource);
  const { namespace = '', name } = object.metadata;
  return new Entry(objectKey(prefix, namespace, name), prefix.length, storedBytes(resource, object), revision);
}
