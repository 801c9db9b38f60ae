// Whole objects in JSON. The storage version is copied from the cache without a look inside.
import { apiVersionOf } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { canonical, stringify } from '../../schema/codec.ts';
import { chunkBytes, takeChunk } from './chunk-pool.ts';
import type { Entry } from './entry.ts';
import { bookmarkMeta, isStorageVersion, type ListHead, listMetaJson, type ObjectFormat } from './format.ts';

/** The object's JSON in the version of `resource`. */
export function jsonOf(resource: ResourceInfo, entry: Entry): Buffer {
  if (isStorageVersion(resource)) return entry.json;
  const form = resource.custom ? resource.typeName : `${resource.group}/${resource.version}`;
  return entry.encoding(`json ${form}`, () => {
    const converted = Buffer.from(stringify(resource.typeName, resource.fromStorage(entry.copy())));
    // Mostly nothing has changed: then there is one copy of the bytes.
    return resource.custom && converted.equals(entry.json) ? entry.json : converted;
  }) as Buffer;
}

const eventStarts = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};
const eventEnd = Buffer.from('}\n');
const metadataMark = Buffer.from('"metadata":{');

/** Answers end their line, as upstream's do. */
const newline = Buffer.from('\n');
const listEnd = Buffer.from(']}\n');

export function jsonFrame(type: 'ADDED' | 'MODIFIED' | 'DELETED', json: Uint8Array): Buffer {
  return Buffer.concat([eventStarts[type], json, eventEnd]);
}

export function jsonBookmark(object: object): Buffer {
  return Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
}

export function jsonError(status: object): Buffer {
  return Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
}

export function jsonFormat(resource: ResourceInfo): ObjectFormat {
  const apiVersion = apiVersionOf(resource);
  const isRaw = isStorageVersion(resource);
  // Items of a list are printed without kind and apiVersion, but for custom resources.
  const itemStart = (json: Buffer) => (resource.custom ? 1 : json.indexOf(metadataMark));
  return {
    key: resource.custom ? `json ${resource.typeName}` : `json ${apiVersion}`,
    contentType: 'application/json',
    watchContentType: 'application/json',
    single: (entry) => Buffer.concat([jsonOf(resource, entry), newline]),
    frame: (type, entry) => jsonFrame(type, jsonOf(resource, entry)),
    bookmark: (revision, isInitialEnd) => {
      const object = { kind: resource.kind, apiVersion, metadata: bookmarkMeta(revision, isInitialEnd) };
      // With the fields that objects of built-in kinds always show.
      return jsonBookmark(resource.custom ? object : canonical(resource.typeName, object));
    },
    error: jsonError,
    list(entries, head) {
      const start = listStart(resource.listKind, apiVersion, head, resource.custom !== undefined);
      if (!isRaw) return { chunks: convertedChunks(start, entries) };
      let lengthBytes = start.length + listEnd.length;
      for (const entry of entries) lengthBytes += entry.json.length - entry.itemStart + 2;
      if (entries.length > 0) lengthBytes--;
      return { lengthBytes, chunks: rawChunks(start, entries, lengthBytes) };
    },
  };

  function* convertedChunks(start: Buffer, entries: readonly Entry[]): Generator<Buffer> {
    let pieces: Buffer[] = [start];
    let size = start.length;
    for (const [index, entry] of entries.entries()) {
      const json = jsonOf(resource, entry);
      const item = json.subarray(itemStart(json));
      pieces.push(Buffer.from(index === 0 ? '{' : ',{'), item);
      size += item.length;
      if (size < chunkBytes) continue;
      yield Buffer.concat(pieces);
      pieces = [];
      size = 0;
    }
    pieces.push(listEnd);
    yield Buffer.concat(pieces);
  }
}

function listStart(listKind: string, apiVersion: string, head: ListHead, saysContinue: boolean): Buffer {
  const meta = saysContinue ? { continue: '', ...JSON.parse(listMetaJson(head)) } : undefined;
  return Buffer.from(
    `{"kind":${JSON.stringify(listKind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${meta ? JSON.stringify(meta) : listMetaJson(head)},"items":[`,
  );
}

/** Copies items into buffers that are large enough to be cheap to send and small enough to wait for a slow reader. */
function* rawChunks(start: Buffer, entries: readonly Entry[], lengthBytes: number): Generator<Buffer> {
  const room = (sizeBytes: number) => (sizeBytes === chunkBytes ? takeChunk() : Buffer.allocUnsafe(sizeBytes));
  let chunk = room(Math.min(lengthBytes, chunkBytes));
  let left = lengthBytes;
  let at = start.copy(chunk, 0);
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    const size = entry.json.length - entry.itemStart + (index === 0 ? 1 : 2);
    if (at + size > chunk.length) {
      yield chunk.subarray(0, at);
      left -= at;
      chunk = room(Math.min(left, Math.max(chunkBytes, size)));
      at = 0;
    }
    if (index > 0) chunk[at++] = 0x2c;
    chunk[at++] = 0x7b;
    at += entry.json.copy(chunk, at, entry.itemStart);
  }
  if (at + listEnd.length > chunk.length) {
    yield chunk.subarray(0, at);
    yield listEnd;
    return;
  }
  at += listEnd.copy(chunk, at);
  yield chunk.subarray(0, at);
}
