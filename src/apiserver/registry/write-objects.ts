// Commits of objects: bytes to the store, and back as the entry that the cache then holds.
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { stringify } from '../../schema/codec.ts';
import { Entry } from './entry.ts';
import type { Registry } from './registry.ts';
import { objectKey } from './storage-key.ts';

/** The bytes the store keeps: canonical JSON without resourceVersion. */
export function storedBytes(resource: ResourceInfo, object: KubernetesObject): Buffer {
  delete object.metadata.resourceVersion;
  return Buffer.from(stringify(resource.storage.typeName, object));
}

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
  const { revision } = await registry.store.commit([{ key, value, ifRevision }]);
  // A client that was told of a write finds it in every later read.
  const waiting = registry.headOf(resource).waitFor(revision);
  if (waiting) await waiting;
  const cached = registry.cacheOf(resource).find(namespace, name);
  return cached?.revision === revision ? cached : new Entry(key, prefix.length, bytes, revision);
}

export async function commitDeletion(registry: Registry, resource: ResourceInfo, entry: Entry): Promise<number> {
  const key = objectKey(registry.sourceOf(resource).prefix, entry.namespace, entry.name);
  const { revision } = await registry.store.commit([{ key, ifRevision: entry.revision }]);
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
