// PartialObjectMetadata: the metadata alone, for clients that only keep an index.
import { apiVersionOf } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { encodeProtobuf, wrapProtobuf } from '../../schema/protobuf.ts';
import type { MediaType } from '../http/accept.ts';
import { ChunkWriter, joined } from './chunk-writer.ts';
import type { Entry } from './entry.ts';
import { bookmarkMeta, type ListHead, listMetaJson, type ObjectFormat } from './format.ts';
import { jsonBookmark, jsonError, jsonFrame } from './format-json.ts';
import { protobufChunks, protobufKey } from './format-protobuf.ts';
import { protobufWatch } from './protobuf-watch.ts';

const partialType = 'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata';

export function partialFormat(resource: ResourceInfo, metaVersion: string, media: MediaType): ObjectFormat {
  const apiVersion = `meta.k8s.io/${metaVersion}`;
  if (media === 'protobuf') return protobufPartial(resource, apiVersion);
  const start = partialStart(apiVersion);
  const write = (to: ChunkWriter, entry: Entry) => writePartial(to, start, entry, resource);
  const single = (entry: Entry) => {
    const to = new ChunkWriter(entry.range.end + start.length);
    write(to, entry);
    return to.take();
  };
  return {
    key: `partial ${apiVersion}`,
    contentType: 'application/json',
    watchContentType: 'application/json',
    single,
    frame: (type, entry) => jsonFrame(type, single(entry)),
    bookmark: (revision, isInitialEnd) =>
      jsonBookmark({ kind: 'PartialObjectMetadata', apiVersion, metadata: bookmarkMeta(revision, isInitialEnd) }),
    error: jsonError,
    list: (entries, head) => ({ chunks: chunks(entries, head) }),
  };

  function* chunks(entries: readonly Entry[], head: ListHead): Generator<Buffer> {
    const begin = `{"kind":"PartialObjectMetadataList","apiVersion":"${apiVersion}","metadata":${listMetaJson(head)},"items":`;
    if (entries.length === 0) {
      yield Buffer.from(`${begin}null}`);
      return;
    }
    yield Buffer.from(`${begin}[`);
    yield* joined(entries, write);
    yield Buffer.from(']}');
  }
}

export const partialStart = (apiVersion: string): Buffer =>
  Buffer.from(`{"kind":"PartialObjectMetadata","apiVersion":"${apiVersion}","metadata":`);

/** Metadata is copied as it is: it looks the same in all versions. */
export function writePartial(to: ChunkWriter, start: Buffer, entry: Entry, { rules }: ResourceInfo): void {
  to.bytes(start);
  if (rules.fieldAnnotation) {
    to.text(`${JSON.stringify(withoutAnnotation(entry, rules.fieldAnnotation))}}`);
    return;
  }
  to.bytes(entry.json, entry.range.start, entry.range.end);
  to.text('}');
}

function withoutAnnotation(entry: Entry, name: string): object {
  const { annotations, ...metadata } = entry.metadata();
  if (!annotations) return metadata;
  const { [name]: _field, ...left } = annotations;
  if (Object.keys(left).length === 0) return metadata;
  // In its place, so that the order of fields stays.
  return { ...entry.metadata(), annotations: left };
}

function protobufPartial(resource: ResourceInfo, apiVersion: string): ObjectFormat {
  const wrapped = (object: object) =>
    wrapProtobuf(apiVersion, 'PartialObjectMetadata', encodeProtobuf(partialType, object));
  const wholeKey = protobufKey(apiVersionOf(resource));
  const rawOf = (entry: Entry): Uint8Array => {
    const { fieldAnnotation } = resource.rules;
    if (fieldAnnotation) return encodeProtobuf(partialType, { metadata: withoutAnnotation(entry, fieldAnnotation) });
    const whole = entry.encodingMade(wholeKey);
    if (whole) return firstField(whole);
    return entry.encoding('protobuf metadata', () => encodeProtobuf(partialType, { metadata: entry.metadata() }));
  };
  const wrappedEntry = (entry: Entry) => wrapProtobuf(apiVersion, 'PartialObjectMetadata', rawOf(entry));
  return {
    ...protobufWatch(wrappedEntry, (meta) => wrapped({ metadata: meta })),
    key: `partial protobuf ${apiVersion}`,
    single: wrappedEntry,
    list: (entries, head) => ({
      chunks: protobufChunks(entries, head, { apiVersion, listKind: 'PartialObjectMetadataList', rawOf }),
    }),
  };
}

/** Every kind's first field is its metadata: alone, that is a PartialObjectMetadata. */
function firstField(message: Uint8Array): Uint8Array {
  let at = 1;
  let length = 0;
  for (let scale = 1, byte = 0x80; byte >= 0x80; scale *= 0x80) {
    byte = message[at++]!;
    length += (byte & 0x7f) * scale;
  }
  return message.subarray(0, at + length);
}
