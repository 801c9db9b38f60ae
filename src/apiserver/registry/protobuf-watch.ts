// The watch half of the protobuf formats.
import { encodeProtobuf, encodeWatchFrame, wrapProtobuf } from '../../schema/protobuf.ts';
import type { Entry } from './entry.ts';
import { bookmarkMeta, type ObjectFormat } from './format.ts';

const statusType = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';

/** `wrapped` is an object's whole body; `wrappedMeta` that of an object with metadata only. */
export function protobufWatch(
  wrapped: (entry: Entry) => Uint8Array,
  wrappedMeta: (metadata: object) => Uint8Array,
): Pick<ObjectFormat, 'contentType' | 'watchContentType' | 'frame' | 'bookmark' | 'error'> {
  return {
    contentType: 'application/vnd.kubernetes.protobuf',
    watchContentType: 'application/vnd.kubernetes.protobuf;stream=watch',
    frame: (type, entry) => frame(type, wrapped(entry)),
    bookmark: (revision, isInitialEnd) => frame('BOOKMARK', wrappedMeta(bookmarkMeta(revision, isInitialEnd))),
    error: (status) => frame('ERROR', wrapProtobuf('v1', 'Status', encodeProtobuf(statusType, status))),
  };
}

const frame = (type: string, body: Uint8Array) => encodeWatchFrame(type, body) as Buffer;
