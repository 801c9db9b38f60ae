// Writes protobuf backwards, from the end of a buffer: a message's length is known once its body is there, so nothing is
// measured first or copied later. Fields, list items and map entries are therefore written last to first.

const utf8Max = 3;

export class ProtoWriter {
  #buffer: Buffer;
  #at: number;

  constructor(size = 4096) {
    this.#buffer = Buffer.allocUnsafe(size);
    this.#at = size;
  }

  /** What is written so far, counted from the end. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  reset(): void {
    this.#at = this.#buffer.length;
  }

  /** A copy of all that was written. */
  finish(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, this.#at);
  }

  #reserve(size: number): void {
    if (this.#at >= size) return;
    const used = this.length;
    const next = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + size + 1024));
    this.#buffer.copy(next, next.length - used, this.#at);
    this.#at = next.length - used;
    this.#buffer = next;
  }

  /** A tag or a length: below 2^32. */
  small(value: number): void {
    if (value < 0x80) {
      this.#reserve(1);
      this.#buffer[--this.#at] = value;
      return;
    }
    this.#reserve(5);
    let size = 1;
    for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
    this.#at -= size;
    let at = this.#at;
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.#buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[at] = rest;
  }

  /** int32 and int64; negative numbers take ten bytes. */
  integer(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value <= 0xffffffff) {
      this.small(value);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    const groups: number[] = [];
    do {
      groups.push(Number(rest & 0x7fn));
      rest >>= 7n;
    } while (rest > 0n);
    this.#reserve(groups.length);
    this.#at -= groups.length;
    for (let index = 0; index < groups.length; index++) {
      this.#buffer[this.#at + index] = groups[index]! | (index < groups.length - 1 ? 0x80 : 0);
    }
  }

  bool(value: boolean): void {
    this.#reserve(1);
    this.#buffer[--this.#at] = value ? 1 : 0;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** A length-delimited text. */
  string(value: string): void {
    const { length } = value;
    this.#reserve(length * utf8Max + 5);
    if (length < 48) {
      let at = this.#at - length;
      let index = 0;
      for (; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code > 0x7f) break;
        this.#buffer[at++] = code;
      }
      if (index === length) {
        this.#at -= length;
        this.small(length);
        return;
      }
    }
    const size = Buffer.byteLength(value);
    this.#at -= size;
    this.#buffer.write(value, this.#at, size, 'utf8');
    this.small(size);
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#buffer.set(value, this.#at);
  }

  /** A length-delimited run of bytes. */
  bytes(value: Uint8Array): void {
    this.raw(value);
    this.small(value.length);
  }

  /** Bytes given as base64, as JSON has them. */
  base64(value: string): void {
    this.bytes(Buffer.from(value, 'base64'));
  }
}
