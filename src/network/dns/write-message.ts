// An answer as bytes. Names that came before are pointed at, so that more addresses fit in a datagram; what does not fit
// is left out, and the answer says so.
import { flagBits, headerBytes, largestUdpBytes, type Query, typeNumbers } from './message.ts';
import type { ResourceRecord } from './resource-record.ts';

export interface Response {
  readonly rcode: number;
  readonly isAuthoritative?: boolean;
  readonly answers?: readonly ResourceRecord[];
  readonly authorities?: readonly ResourceRecord[];
  readonly additionals?: readonly ResourceRecord[];
}

const optBytes = 11;
const largestPointer = 0x3fff;
const none: readonly ResourceRecord[] = [];
// One message is written at a time, and copied when it is done.
const scratch = Buffer.allocUnsafeSlow(65_535);

/** As many whole records as `limitBytes` lets in, and the mark of truncation when not all answers. @throws for what no name may be */
export function encodeResponse(query: Query, response: Response, limitBytes: number): Buffer {
  const writer = new MessageWriter(query, limitBytes - (query.edns ? optBytes : 0));
  const counts = [response.answers, response.authorities, response.additionals].map((records = none) => {
    let count = 0;
    for (const record of records) {
      if (!writer.record(record)) break;
      count++;
    }
    return count;
  });
  // What is additional can be asked for: its absence alone need not bring the asker back by TCP.
  const isCut = counts[0]! < (response.answers ?? none).length;
  if (query.edns) writer.opt(response.rcode);
  const flags =
    flagBits.response |
    (response.isAuthoritative ? flagBits.authoritative : 0) |
    (isCut ? flagBits.truncated : 0) |
    (query.recursionDesired ? flagBits.desired : 0) |
    (response.rcode & 15);
  return writer.finish(query.id, flags, [counts[0]!, counts[1]!, counts[2]! + (query.edns ? 1 : 0)]);
}

class MessageWriter {
  /** A record did not fit: nothing more goes in. */
  isFull = false;
  readonly #limit: number;
  readonly #names = new Map<string, number>();
  #offset: number;

  constructor({ name, rawQuestion }: Query, limit: number) {
    this.#limit = limit;
    rawQuestion.copy(scratch, headerBytes);
    this.#offset = headerBytes + rawQuestion.length;
    this.#remember(name, headerBytes);
  }

  record(record: ResourceRecord): boolean {
    if (this.isFull) return false;
    const start = this.#offset;
    // The largest record has two names and twenty bytes more.
    if (start + 560 > scratch.length) return this.#drop(start);
    this.#name(record.name);
    this.#uint16(typeNumbers[record.type]);
    this.#uint16(1);
    this.#uint32(record.ttl);
    const lengthAt = this.#offset;
    this.#offset += 2;
    this.#data(record);
    scratch.writeUInt16BE(this.#offset - lengthAt - 2, lengthAt);
    return this.#offset <= this.#limit || this.#drop(start);
  }

  #drop(start: number): false {
    this.#offset = start;
    this.isFull = true;
    return false;
  }

  #data(record: ResourceRecord): void {
    switch (record.type) {
      case 'A':
        for (const part of record.data.split('.')) scratch[this.#offset++] = Number(part);
        return;
      case 'AAAA':
        this.#ipv6(record.data);
        return;
      case 'TXT':
        this.#text(record.data);
        return;
      case 'SRV':
        this.#uint16(record.data.priority);
        this.#uint16(record.data.weight);
        this.#uint16(record.data.port);
        this.#name(record.data.target, false); // never by a pointer
        return;
      case 'SOA': {
        const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
        this.#name(mname);
        this.#name(rname);
        for (const number of [serial, refresh, retry, expire, minimum]) this.#uint32(number);
        return;
      }
      default:
        this.#name(record.data);
    }
  }

  #name(name: string, mayPoint = true): void {
    let rest = name;
    while (rest !== '') {
      const known = mayPoint ? this.#names.get(rest) : undefined;
      if (known !== undefined) {
        this.#uint16(0xc000 | known);
        return;
      }
      if (this.#offset <= largestPointer && !this.#names.has(rest)) this.#names.set(rest, this.#offset);
      const dot = rest.indexOf('.');
      const label = dot < 0 ? rest : rest.slice(0, dot);
      const length = Buffer.byteLength(label, 'latin1');
      if (length === 0 || length > 63 || rest.length > 253) throw new Error('a name that does not fit the wire');
      scratch[this.#offset++] = length;
      this.#offset += scratch.write(label, this.#offset, 'latin1');
      rest = dot < 0 ? '' : rest.slice(dot + 1);
    }
    scratch[this.#offset++] = 0;
  }

  /** The question's own name can be pointed at, and what it ends with. */
  #remember(name: string, start: number): void {
    let rest = name;
    let offset = start;
    while (rest !== '') {
      this.#names.set(rest, offset);
      const dot = rest.indexOf('.');
      if (dot < 0) return;
      offset += dot + 1;
      rest = rest.slice(dot + 1);
    }
  }

  #ipv6(address: string): void {
    const [before = '', after] = address.split('::');
    const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
    const head = groups(before);
    const tail = after === undefined ? [] : groups(after);
    const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => 0);
    for (const group of [...head, ...zeros, ...tail].slice(0, 8)) this.#uint16(group & 0xffff);
  }

  #text(text: string): void {
    const bytes = Buffer.from(text).subarray(0, 255);
    scratch[this.#offset++] = bytes.length;
    this.#offset += bytes.copy(scratch, this.#offset);
  }

  opt(rcode: number): void {
    scratch[this.#offset++] = 0;
    this.#uint16(41);
    this.#uint16(largestUdpBytes);
    this.#uint32((rcode >> 4) << 24);
    this.#uint16(0);
  }

  #uint16(value: number): void {
    this.#offset = scratch.writeUInt16BE(value, this.#offset);
  }

  #uint32(value: number): void {
    this.#offset = scratch.writeUInt32BE(value >>> 0, this.#offset);
  }

  finish(id: number, flags: number, [answers, authorities, additionals]: readonly number[]): Buffer {
    [id, flags, 1, answers!, authorities!, additionals!].forEach((value, index) => {
      scratch.writeUInt16BE(value, index * 2);
    });
    return Buffer.from(scratch.subarray(0, this.#offset));
  }
}
