// Protobuf bodies: raw messages of a known type, the envelope around them, lists put together from encoded items, and
// the frames of a watch stream.
import { enableBigIntJson } from '../base/big-integers.ts';
import { canonicalizerOf } from './canonical.ts';
import { typeOf } from './ir.ts';
import { DecodeError } from './limits.ts';
import { protoCodecOf } from './proto-compile.ts';
import { ProtoReader } from './proto-reader.ts';
import { ProtoWriter } from './proto-writer.ts';

/** The first bytes of every protobuf body: `k8s` and a zero. */
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

// One writer serves all: encoding is synchronous and never nested. A very large one is not kept.
let shared = new ProtoWriter(64 * 1024);
const keepBelow = 4 * 1024 * 1024;

function written(write: (writer: ProtoWriter) => void): Uint8Array {
  const writer = shared;
  writer.reset();
  write(writer);
  const bytes = writer.finish();
  if (bytes.length > keepBelow) shared = new ProtoWriter(64 * 1024);
  return bytes;
}

/** The raw message, without envelope; `object` must be in canonical form. */
export function encodeProtobuf(typeName: string, object: unknown): Uint8Array {
  const { encode } = protoCodecOf(typeName);
  return written((writer) => encode(object, writer));
}

/** A whole body: envelope and message in one step. */
export function encodeProtobufBody(typeName: string, object: { apiVersion?: string; kind?: string }): Uint8Array {
  return written((writer) => {
    writeTail(writer);
    const start = writer.length;
    protoCodecOf(typeName).encode(object, writer);
    writer.small(writer.length - start);
    writeHead(writer, object.apiVersion ?? '', object.kind ?? '');
  });
}

/** contentEncoding and contentType, which upstream writes empty. */
function writeTail(writer: ProtoWriter): void {
  writer.string('');
  writer.small(34);
  writer.string('');
  writer.small(26);
}

/** The tag of `raw`, the type, the magic: what comes before the message. */
function writeHead(writer: ProtoWriter, apiVersion: string, kind: string): void {
  writer.small(18);
  const start = writer.length;
  writer.string(kind);
  writer.small(18);
  writer.string(apiVersion);
  writer.small(10);
  writer.small(writer.length - start);
  writer.small(10);
  writer.raw(magic);
}

export function wrapProtobuf(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  return written((writer) => {
    writeTail(writer);
    writer.bytes(raw);
    writeHead(writer, apiVersion, kind);
  });
}

export interface ProtobufEnvelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** A view into the body. */
  readonly raw: Uint8Array;
  readonly contentEncoding: string;
  readonly contentType: string;
}

/** Opens an envelope. Throws DecodeError. */
export function unwrapProtobuf(body: Uint8Array): ProtobufEnvelope {
  if (body.length === 0) throw new DecodeError('syntax', 'empty data');
  if (body.length < 4 || !magic.equals(body.subarray(0, 4))) {
    throw new DecodeError(
      'syntax',
      `provided data does not appear to be a protobuf message, expected prefix [${[...magic].join(' ')}]`,
    );
  }
  const reader = new ProtoReader(body);
  reader.at = 4;
  const { end } = reader;
  const result = {
    apiVersion: '',
    kind: '',
    raw: new Uint8Array() as Uint8Array,
    contentEncoding: '',
    contentType: '',
  };
  while (reader.at < end) {
    const tag = reader.tag(end);
    if (tag === 10) readTypeMeta(reader, end, result);
    else if (tag === 18) result.raw = reader.bytes(end);
    else if (tag === 26) result.contentEncoding = reader.string(end);
    else if (tag === 34) result.contentType = reader.string(end);
    else reader.skip(tag, end);
  }
  return result;
}

function readTypeMeta(reader: ProtoReader, end: number, into: { apiVersion: string; kind: string }): void {
  const stop = reader.limit(end);
  while (reader.at < stop) {
    const tag = reader.tag(stop);
    if (tag === 10) into.apiVersion = reader.string(stop);
    else if (tag === 18) into.kind = reader.string(stop);
    else reader.skip(tag, stop);
  }
}

/** A raw message to an object in canonical form, with the kind that the type names. Throws DecodeError. */
export function decodeProtobuf<T = any>(typeName: string, raw: Uint8Array): T {
  enableBigIntJson();
  const reader = new ProtoReader(raw);
  const tree: Record<string, unknown> = {};
  const { gvk } = typeOf(typeName);
  if (gvk) {
    tree['kind'] = gvk[2];
    tree['apiVersion'] = gvk[0] ? `${gvk[0]}/${gvk[1]}` : gvk[1];
  }
  protoCodecOf(typeName).decode(reader, reader.end, tree);
  try {
    return canonicalizerOf(typeName).run(tree, { keys: 0, ownsTree: true }) as T;
  } catch (error) {
    if (error instanceof Error && !(error instanceof DecodeError)) throw new DecodeError('type', error.message);
    throw error instanceof DecodeError ? error : new DecodeError('type', 'a value is out of range');
  }
}

export interface ProtobufList {
  readonly apiVersion: string;
  readonly kind: string;
  /** ListMeta in canonical form. */
  readonly metadata: unknown;
  /** Raw messages, without envelopes. */
  readonly items: readonly Uint8Array[];
}

const listMetaType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** A whole list body from encoded items: all built-in lists are metadata = 1 and items = 2. */
export function encodeProtobufList({ apiVersion, kind, metadata, items }: ProtobufList): Uint8Array {
  const meta = encodeProtobuf(listMetaType, metadata);
  let rawSize = 1 + varintSize(meta.length) + meta.length;
  for (const item of items) rawSize += 1 + varintSize(item.length) + item.length;
  const head = written((writer) => {
    writer.bytes(meta);
    writer.small(10);
    writer.small(rawSize);
    writeHead(writer, apiVersion, kind);
  });
  const tail = Buffer.from([26, 0, 34, 0]);
  const result = Buffer.allocUnsafe(head.length + rawSize - (1 + varintSize(meta.length) + meta.length) + tail.length);
  result.set(head, 0);
  let at = head.length;
  for (const item of items) {
    result[at++] = 18;
    let rest = item.length;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) result[at++] = (rest % 128) | 0x80;
    result[at++] = rest;
    result.set(item, at);
    at += item.length;
  }
  result.set(tail, at);
  return result;
}

/**
 * One event of a protobuf watch stream: a big-endian length, then a WatchEvent whose object is a whole body with
 * envelope (`encodeProtobufBody`, `wrapProtobuf`).
 */
export function encodeWatchFrame(type: string, body: Uint8Array): Uint8Array {
  return written((writer) => {
    const start = writer.length;
    writer.bytes(body);
    writer.small(10);
    writer.small(writer.length - start);
    writer.small(18);
    writer.string(type);
    writer.small(10);
    const size = Buffer.allocUnsafe(4);
    size.writeUInt32BE(writer.length);
    writer.raw(size);
  });
}
