// Whole objects in protobuf, encoded once per revision and version.
import { apiVersionOf } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { encodeProtobuf, wrapProtobuf } from '../../schema/protobuf.ts';
import { chunkBytes } from './chunk-pool.ts';
import { ChunkWriter } from './chunk-writer.ts';
import type { Entry } from './entry.ts';
import { isStorageVersion, type ListHead, listMetaJson, type ObjectFormat } from './format.ts';
import { protobufWatch } from './protobuf-watch.ts';

const listMetaType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';
const encodedAtOnce = 32;
const nothing = Buffer.alloc(0);

/** Names the encoding among those of an entry. */
export const protobufKey = (apiVersion: string): string => `protobuf ${apiVersion}`;

export function protobufFormat(resource: ResourceInfo): ObjectFormat {
  const apiVersion = apiVersionOf(resource);
  const rawOf = (entry: Entry): Uint8Array =>
    entry.encoding(protobufKey(apiVersion), () =>
      encodeProtobuf(resource.typeName, isStorageVersion(resource) ? entry.peek() : resource.fromStorage(entry.copy())),
    );
  const wrapped = (entry: Entry) => wrapProtobuf(apiVersion, resource.kind, rawOf(entry));
  return {
    ...protobufWatch(wrapped, (metadata) =>
      wrapProtobuf(apiVersion, resource.kind, encodeProtobuf(resource.typeName, { metadata })),
    ),
    key: `protobuf ${apiVersion}`,
    single: wrapped,
    list(entries, head) {
      return { chunks: protobufChunks(entries, head, { apiVersion, listKind: resource.listKind, rawOf }) };
    },
  };
}

interface ProtobufItems {
  readonly apiVersion: string;
  readonly listKind: string;
  readonly rawOf: (entry: Entry) => Uint8Array;
}

const itemsTag = 0x12;

/** The envelope by hand, since the raw message's length comes before it: field 1 is ListMeta, field 2 the items. */
export function* protobufChunks(
  entries: readonly Entry[],
  head: ListHead,
  { apiVersion, listKind, rawOf }: ProtobufItems,
): Generator<Buffer> {
  const meta = encodeProtobuf(listMetaType, JSON.parse(listMetaJson(head)));
  let rawLength = 1 + varintSize(meta.length) + meta.length;
  const items = new Array<Uint8Array>(entries.length);
  for (let index = 0; index < entries.length; index++) {
    const item = rawOf(entries[index]!);
    items[index] = item;
    rawLength += 1 + varintSize(item.length) + item.length;
    // The length of all comes first, so that nothing can be sent before the last is encoded: a place to pause at.
    if (index % encodedAtOnce === 0) yield nothing;
  }
  const envelope = wrapProtobuf(apiVersion, listKind, nothing) as Buffer;
  const to = new ChunkWriter(Math.min(chunkBytes, envelope.length + rawLength + 16));
  // Everything up to the raw field, which is empty here: tag and length 0, then the two trailing empty strings.
  to.bytes(envelope, 0, envelope.length - 6);
  to.tagged(0x12, rawLength);
  to.tagged(0x0a, meta.length);
  to.bytes(meta);
  for (const item of items) {
    to.tagged(itemsTag, item.length);
    to.bytes(item);
    if (to.isFull) yield to.take();
  }
  to.bytes(envelope, envelope.length - 4);
  yield to.take();
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}
