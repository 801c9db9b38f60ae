// Whole objects in protobuf, encoded once per revision and version.
import { apiVersionOf } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { encodeProtobuf, wrapProtobuf } from '../../schema/protobuf.ts';
import type { Entry } from './entry.ts';
import { isStorageVersion, type ListHead, listMetaJson, type ObjectFormat } from './format.ts';
import { protobufWatch } from './protobuf-watch.ts';

const listMetaType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';
const chunkBytes = 256 * 1024;
const encodedAtOnce = 100;
const nothing = Buffer.alloc(0);

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

const lengthDelimited = (field: number, content: Uint8Array) => [
  varint(field * 8 + 2),
  varint(content.length),
  content,
];

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

/** The envelope by hand, since the raw message's length comes before it: field 1 is ListMeta, field 2 the items. */
export function* protobufChunks(
  entries: readonly Entry[],
  head: ListHead,
  { apiVersion, listKind, rawOf }: ProtobufItems,
): Generator<Buffer> {
  const items: Uint8Array[] = [];
  for (const entry of entries) {
    items.push(rawOf(entry));
    // The length of all comes first, so that nothing can be sent before the last is encoded: a place to pause at.
    if (items.length % encodedAtOnce === 0) yield nothing;
  }
  const meta = Buffer.concat(lengthDelimited(1, encodeProtobuf(listMetaType, JSON.parse(listMetaJson(head)))));
  let rawLength = meta.length;
  for (const item of items) rawLength += 1 + varint(item.length).length + item.length;
  const envelope = wrapProtobuf(apiVersion, listKind, new Uint8Array());
  // Everything up to the raw field, which is empty here: tag and length 0, then the two trailing empty strings.
  const start = envelope.subarray(0, envelope.length - 6);
  const end = envelope.subarray(envelope.length - 4);
  let pieces: Uint8Array[] = [start, Uint8Array.of(0x12), varint(rawLength), meta];
  let size = 0;
  for (const item of items) {
    pieces.push(...lengthDelimited(2, item));
    size += item.length;
    if (size < chunkBytes) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    size = 0;
  }
  pieces.push(end);
  yield Buffer.concat(pieces);
}
