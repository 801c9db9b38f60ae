// The value functions that compiled protobuf codecs call: the types whose JSON form differs from their message.
// Writers write backwards (proto-writer.ts), the length last.
import { setKey } from './canonical-values.ts';
import { parseKeepingIntegers } from './exact-decode.ts';
import { scanJson } from './json-scan.ts';
import { describeSyntaxError } from './json-syntax.ts';
import { DecodeError } from './limits.ts';
import type { ProtoReader } from './proto-reader.ts';
import type { ProtoWriter } from './proto-writer.ts';
import { formatDuration, formatMicroTime, formatTime, isZeroTime, parseDuration, parseTime } from './time.ts';

/** A compiled pair for one struct type; `decode` reads up to `end` into `into`: plain JSON, not canonical yet. */
export interface ProtoCodec {
  encode: (object: any, writer: ProtoWriter) => void;
  decode: (reader: ProtoReader, end: number, into: any) => any;
}

/** Sorted as upstream's generated code sorts them. */
export const sortedKeys = (map: object): string[] => Object.keys(map).sort();

function message_(writer: ProtoWriter, write: () => void): void {
  const start = writer.length;
  write();
  writer.small(writer.length - start);
}

function writeInstant(text: string | null | undefined, writer: ProtoWriter, kind: 'time' | 'microtime'): void {
  message_(writer, () => {
    if (text === null || text === undefined) return;
    const { seconds, nanos } = parseTime(text, kind);
    writer.integer(kind === 'time' ? 0 : nanos - (nanos % 1000));
    writer.small(16);
    writer.integer(seconds);
    writer.small(8);
  });
}

export const write_time = (text: string | null | undefined, writer: ProtoWriter): void =>
  writeInstant(text, writer, 'time');
export const write_microtime = (text: string | null | undefined, writer: ProtoWriter): void =>
  writeInstant(text, writer, 'microtime');

export function write_duration(text: string | undefined, writer: ProtoWriter): void {
  message_(writer, () => {
    writer.integer(text ? parseDuration(text) : 0);
    writer.small(8);
  });
}

export function write_quantity(text: string | number | undefined, writer: ProtoWriter): void {
  message_(writer, () => {
    writer.string(String(text ?? '0'));
    writer.small(10);
  });
}

export function write_intorstring(value: number | string | undefined, writer: ProtoWriter): void {
  const isString = typeof value === 'string';
  message_(writer, () => {
    writer.string(isString ? value : '');
    writer.small(26);
    writer.integer(isString ? 0 : (value ?? 0));
    writer.small(16);
    writer.integer(isString ? 1 : 0);
    writer.small(8);
  });
}

export function write_rawjson(value: unknown, writer: ProtoWriter): void {
  message_(writer, () => {
    if (value === null || value === undefined) return;
    writer.string(JSON.stringify(value));
    writer.small(10);
  });
}
export const write_rawextension = write_rawjson;

export function write_stringlist(value: readonly string[] | null | undefined, writer: ProtoWriter): void {
  message_(writer, () => {
    for (let index = (value?.length ?? 0) - 1; index >= 0; index--) {
      writer.string(value![index]!);
      writer.small(10);
    }
  });
}

function writeMessage(value: unknown, tag: number, writer: ProtoWriter, codec: ProtoCodec): void {
  message_(writer, () => codec.encode(value, writer));
  writer.small(tag);
}

export function write_schemaorbool(value: unknown, writer: ProtoWriter, codec: ProtoCodec): void {
  message_(writer, () => {
    if (typeof value !== 'boolean') writeMessage(value, 18, writer, codec);
    writer.bool(value !== false);
    writer.small(8);
  });
}

export function write_schemaorarray(value: unknown, writer: ProtoWriter, codec: ProtoCodec): void {
  message_(writer, () => {
    if (!Array.isArray(value)) writeMessage(value, 10, writer, codec);
    else for (let index = value.length - 1; index >= 0; index--) writeMessage(value[index], 18, writer, codec);
  });
}

export function write_schemaorstringarray(value: unknown, writer: ProtoWriter, codec: ProtoCodec): void {
  message_(writer, () => {
    if (!Array.isArray(value)) writeMessage(value, 10, writer, codec);
    else {
      for (let index = value.length - 1; index >= 0; index--) {
        writer.string(value[index]);
        writer.small(18);
      }
    }
  });
}

/** Reads a nested message into `into`, or a new object. */
export function message(reader: ProtoReader, end: number, codec: ProtoCodec, into: object | undefined): object {
  const stop = reader.limit(end);
  reader.enter();
  const result = codec.decode(reader, stop, into ?? {});
  reader.leave();
  return result;
}

/** Reads the fields of a small message: `fields` maps tags to what to do; others are passed over. */
function fields(reader: ProtoReader, end: number, read: (tag: number, stop: number) => boolean): void {
  const stop = reader.limit(end);
  reader.enter();
  while (reader.at < stop) {
    const tag = reader.tag(stop);
    if (!read(tag, stop)) reader.skip(tag, stop);
  }
  reader.leave();
}

export function entry(
  reader: ProtoReader,
  end: number,
  map: Record<string, unknown>,
  readValue: (reader: ProtoReader, end: number) => unknown,
  wire: number,
  zero: unknown,
): void {
  let key = '';
  let value: unknown = zero;
  fields(reader, end, (tag, stop) => {
    if (tag === 10) key = reader.string(stop);
    else if (tag === 16 + wire) value = readValue(reader, stop);
    else return false;
    return true;
  });
  setKey(map, key, value);
}

const earliest = -62135596800;
const latest = 253402300799;

function readInstant(reader: ProtoReader, end: number): { seconds: number; nanos: number } | undefined {
  let seconds: number | bigint = 0;
  let nanos = 0;
  let isEmpty = true;
  fields(reader, end, (tag, stop) => {
    isEmpty = false;
    if (tag === 8) seconds = reader.int64(stop);
    else if (tag === 16) nanos = reader.int32(stop);
    else return false;
    return true;
  });
  if (isEmpty) return undefined;
  if (typeof seconds !== 'number' || seconds < earliest || seconds > latest || nanos < 0 || nanos > 999_999_999) {
    throw new DecodeError('type', 'Time.MarshalJSON: year outside of range [0,9999]');
  }
  return { seconds, nanos };
}

export function read_time(reader: ProtoReader, end: number): string | null {
  const instant = readInstant(reader, end);
  return !instant || isZeroTime(instant) ? null : formatTime(instant);
}

export function read_microtime(reader: ProtoReader, end: number): string | null {
  const instant = readInstant(reader, end);
  return !instant || isZeroTime(instant) ? null : formatMicroTime(instant);
}

export function read_duration(reader: ProtoReader, end: number): string {
  let nanos: number | bigint = 0;
  fields(reader, end, (tag, stop) => {
    if (tag !== 8) return false;
    nanos = reader.int64(stop);
    return true;
  });
  return formatDuration(BigInt(nanos));
}

export function read_quantity(reader: ProtoReader, end: number): string {
  let text = '';
  fields(reader, end, (tag, stop) => {
    if (tag !== 10) return false;
    text = reader.string(stop);
    return true;
  });
  return text === '' ? '0' : text;
}

export function read_intorstring(reader: ProtoReader, end: number): number | string {
  let type = 0;
  let number = 0;
  let text = '';
  fields(reader, end, (tag, stop) => {
    if (tag === 8) type = reader.int32(stop);
    else if (tag === 16) number = reader.int32(stop);
    else if (tag === 26) text = reader.string(stop);
    else return false;
    return true;
  });
  return type === 1 ? text : number;
}

export function read_rawjson(reader: ProtoReader, end: number): unknown {
  let value: unknown = null;
  fields(reader, end, (tag, stop) => {
    if (tag !== 10) return false;
    value = jsonOf(reader.string(stop));
    return true;
  });
  return value;
}
export const read_rawextension = read_rawjson;

function jsonOf(text: string): unknown {
  if (text === '') return null;
  scanJson(text);
  try {
    return parseKeepingIntegers(text);
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw new DecodeError('type', describeSyntaxError(text));
  }
}

/** None is what Go prints as null. */
export function read_stringlist(reader: ProtoReader, end: number): string[] | null {
  const result: string[] = [];
  fields(reader, end, (tag, stop) => {
    if (tag !== 10) return false;
    result.push(reader.string(stop));
    return true;
  });
  return result.length > 0 ? result : null;
}

export function read_schemaorbool(reader: ProtoReader, end: number, codec: ProtoCodec): unknown {
  let allows = false;
  let schema: object | undefined;
  fields(reader, end, (tag, stop) => {
    if (tag === 8) allows = reader.bool(stop);
    else if (tag === 18) schema = message(reader, stop, codec, schema);
    else return false;
    return true;
  });
  return schema ?? allows;
}

export function read_schemaorarray(reader: ProtoReader, end: number, codec: ProtoCodec): unknown {
  const list: object[] = [];
  let schema: object | undefined;
  fields(reader, end, (tag, stop) => {
    if (tag === 10) schema = message(reader, stop, codec, schema);
    else if (tag === 18) list.push(message(reader, stop, codec, undefined));
    else return false;
    return true;
  });
  return schema && list.length === 0 ? schema : list;
}

export function read_schemaorstringarray(reader: ProtoReader, end: number, codec: ProtoCodec): unknown {
  const list: string[] = [];
  let schema: object | undefined;
  fields(reader, end, (tag, stop) => {
    if (tag === 10) schema = message(reader, stop, codec, schema);
    else if (tag === 18) list.push(reader.string(stop));
    else return false;
    return true;
  });
  return schema && list.length === 0 ? schema : list;
}

/** A field that has no case: unknown ones are passed over, known ones came with the wrong wire type. */
export function other(reader: ProtoReader, tag: number, end: number, known: ReadonlyMap<number, string>): void {
  if (known.has(tag >>> 3)) {
    throw new DecodeError('type', `proto: wrong wireType = ${tag & 7} for field ${known.get(tag >>> 3)}`);
  }
  reader.skip(tag, end);
}
