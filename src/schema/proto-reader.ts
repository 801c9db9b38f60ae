// Reads protobuf from bytes that anyone may have sent: every length and number is checked against what is there.
import { DecodeError, limits } from './limits.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const unexpectedEnd = (): never => {
  throw new DecodeError('type', 'unexpected EOF');
};

export class ProtoReader {
  readonly #buffer: Buffer;
  at = 0;
  readonly end: number;
  #nodes = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  /** A varint of up to 32 bits: tags and lengths. */
  #small(end: number): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= end) unexpectedEnd();
      const byte = this.#buffer[this.at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new DecodeError('type', 'proto: integer overflow');
  }

  tag(end: number): number {
    const tag = this.#small(end);
    if (tag > 0xffffffff || tag >>> 3 === 0)
      throw new DecodeError('type', `proto: illegal tag ${tag >>> 3} (wire type ${tag & 7})`);
    return tag;
  }

  /** Where the length-delimited value that starts here ends. */
  limit(end: number): number {
    const length = this.#small(end);
    const stop = this.at + length;
    if (stop > end) unexpectedEnd();
    if (++this.#nodes > limits.nodes)
      throw new DecodeError('limit', `the request body holds too many values: at most ${limits.nodes}`);
    return stop;
  }

  enter(): void {
    if (++this.#depth > limits.depth) {
      throw new DecodeError('limit', `the request body is nested too deeply: at most ${limits.depth} levels`);
    }
  }

  leave(): void {
    this.#depth--;
  }

  int64(end: number): number | bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.at >= end) unexpectedEnd();
      const byte = this.#buffer[this.at++]!;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low;
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      if (this.at >= end) unexpectedEnd();
      const byte = this.#buffer[this.at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const signed = BigInt.asIntN(64, value);
        const number = Number(signed);
        return Number.isSafeInteger(number) ? number : signed;
      }
    }
    throw new DecodeError('type', 'proto: integer overflow');
  }

  int32(end: number): number {
    const value = this.int64(end);
    return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
  }

  bool(end: number): boolean {
    const value = this.int64(end);
    return value !== 0 && value !== 0n;
  }

  double(end: number): number {
    if (this.at + 8 > end) unexpectedEnd();
    const value = this.#buffer.readDoubleLE(this.at);
    this.at += 8;
    if (!Number.isFinite(value)) throw new DecodeError('type', 'json: unsupported value: not a finite number');
    return value;
  }

  string(end: number): string {
    const stop = this.limit(end);
    const start = this.at;
    this.at = stop;
    if (stop - start > limits.stringLength)
      throw new DecodeError('limit', `strings are limited to ${limits.stringLength} bytes`);
    for (let index = start; index < stop; index++) {
      if (this.#buffer[index]! > 0x7f) return this.#decode(start, stop);
    }
    return this.#buffer.toString('latin1', start, stop);
  }

  #decode(start: number, stop: number): string {
    try {
      return utf8.decode(this.#buffer.subarray(start, stop));
    } catch {
      throw new DecodeError('type', 'proto: invalid UTF-8 in a string field');
    }
  }

  /** A view, not a copy. */
  bytes(end: number): Buffer {
    const stop = this.limit(end);
    const view = this.#buffer.subarray(this.at, stop);
    this.at = stop;
    return view;
  }

  base64(end: number): string {
    const stop = this.limit(end);
    const start = this.at;
    this.at = stop;
    return this.#buffer.toString('base64', start, stop);
  }

  /** Passes over the value of an unknown field. */
  skip(tag: number, end: number): void {
    let groups = 0;
    let current = tag;
    do {
      const wire = current & 7;
      if (wire === 0) this.int64(end);
      else if (wire === 1) this.at += 8;
      else if (wire === 2) this.at = this.limit(end);
      else if (wire === 3) groups++;
      else if (wire === 4) {
        if (--groups < 0) throw new DecodeError('type', 'proto: unexpected end of group');
      } else if (wire === 5) this.at += 4;
      else throw new DecodeError('type', `proto: illegal wireType ${wire}`);
      if (this.at > end) unexpectedEnd();
      if (groups > 0) current = this.tag(end);
    } while (groups > 0);
  }
}
