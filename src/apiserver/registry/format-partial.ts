// PartialObjectMetadata: the metadata alone, for clients that only keep an index.
import type { ResourceInfo } from '../../api/resource-info.ts';
import { encodeProtobuf, wrapProtobuf } from '../../schema/protobuf.ts';
import type { MediaType } from '../http/accept.ts';
import type { Entry } from './entry.ts';
import { bookmarkMeta, type ListHead, listMetaJson, type ObjectFormat } from './format.ts';
import { jsonBookmark, jsonError, jsonFrame } from './format-json.ts';
import { protobufWatch } from './protobuf-watch.ts';

const partialType = 'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata';
const partialListType = 'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList';

export function partialFormat(_resource: ResourceInfo, metaVersion: string, media: MediaType): ObjectFormat {
  const apiVersion = `meta.k8s.io/${metaVersion}`;
  const partialOf = (entry: Entry) => ({ kind: 'PartialObjectMetadata', apiVersion, metadata: entry.peek().metadata });
  if (media === 'protobuf') return protobufPartial(apiVersion, partialOf);
  const single = (entry: Entry) => Buffer.from(JSON.stringify(partialOf(entry)));
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
    yield* joined(entries, (entry) => JSON.stringify(partialOf(entry)));
    yield Buffer.from(']}');
  }
}

/** Items with commas between, in pieces of some size. */
export function* joined(entries: readonly Entry[], print: (entry: Entry) => string): Generator<Buffer> {
  let text = '';
  for (const [index, entry] of entries.entries()) {
    text += index === 0 ? print(entry) : `,${print(entry)}`;
    if (text.length < 64 * 1024) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text) yield Buffer.from(text);
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
