// PartialObjectMetadata: the metadata alone, for clients that only keep an index.
import type { ResourceInfo } from '../../api/resource-info.ts';
import { encodeProtobuf, wrapProtobuf } from '../../schema/protobuf.ts';
import type { MediaType } from '../http/accept.ts';
import { ChunkWriter, joined } from './chunk-writer.ts';
import type { Entry } from './entry.ts';
import { bookmarkMeta, type ListHead, listMetaJson, type ObjectFormat } from './format.ts';
import { jsonBookmark, jsonError, jsonFrame } from './format-json.ts';
import { protobufWatch } from './protobuf-watch.ts';

const partialType = 'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata';
const partialListType = 'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList';

export function partialFormat(_resource: ResourceInfo, metaVersion: string, media: MediaType): ObjectFormat {
  const apiVersion = `meta.k8s.io/${metaVersion}`;
  const partialOf = (entry: Entry) => ({ kind: 'PartialObjectMetadata', apiVersion, metadata: entry.metadata() });
  if (media === 'protobuf') return protobufPartial(apiVersion, partialOf);
  const start = partialStart(apiVersion);
  const write = (to: ChunkWriter, entry: Entry) => writePartial(to, start, entry);
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
      jsonBookmark(apiVersion, 'PartialObjectMetadata', bookmarkMeta(revision, isInitialEnd)),
    error: jsonError,
    list: (entries, head) => ({ chunks: chunks(entries, head) }),
  };

  function* chunks(entries: readonly Entry[], head: ListHead): Generator<Buffer> {
    yield Buffer.from(
      `{"kind":"PartialObjectMetadataList","apiVersion":"${apiVersion}","metadata":${listMetaJson(head)},"items":[`,
    );
    yield* joined(entries, write);
    yield Buffer.from(']}');
  }
}

export const partialStart = (apiVersion: string): Buffer =>
  Buffer.from(`{"kind":"PartialObjectMetadata","apiVersion":"${apiVersion}","metadata":`);

/** Metadata is copied as it is: it looks the same in all versions. */
export function writePartial(to: ChunkWriter, start: Buffer, entry: Entry): void {
  to.bytes(start);
  to.bytes(entry.json, entry.range.start, entry.range.end);
  to.text('}');
}

function protobufPartial(apiVersion: string, partialOf: (entry: Entry) => object): ObjectFormat {
  const wrapped = (object: object) =>
    wrapProtobuf(apiVersion, 'PartialObjectMetadata', encodeProtobuf(partialType, object));
  return {
    ...protobufWatch(
      (entry) => wrapped(partialOf(entry)),
      (meta) => wrapped({ metadata: meta }),
    ),
    key: `partial protobuf ${apiVersion}`,
    single: (entry) => wrapped(partialOf(entry)),
    list(entries, head) {
      const metadata = JSON.parse(listMetaJson(head));
      const list = { metadata, items: entries.map(partialOf) };
      return { chunks: [wrapProtobuf(apiVersion, 'PartialObjectMetadataList', encodeProtobuf(partialListType, list))] };
    },
  };
}
