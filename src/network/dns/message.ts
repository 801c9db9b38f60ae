// Messages on the wire: reading what strangers send, with care, and saying no to what is no question. Answers are written
// by write-message.ts; the question is given back exactly as it came.

export const rcodes = { ok: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5 } as const;

export interface Query {
  readonly id: number;
  /** Lower case, without a dot at its end. */
  readonly name: string;
  /** `A`; `TYPE257` for those that nothing here speaks of. */
  readonly type: string;
  readonly isInternet: boolean;
  readonly recursionDesired: boolean;
  /** The question's own bytes: case and all. */
  readonly rawQuestion: Buffer;
  /** Set when the asker speaks EDNS; the largest answer it takes by UDP. */
  readonly edns?: { readonly udpSize: number; readonly version: number };
}

/** What to do with a datagram that is no proper question. */
export type BadQuery = { readonly reply: Buffer } | { readonly ignore: true };

export const headerBytes = 12;
const plainUdpBytes = 512;
/** Larger datagrams are cut up on the way and then lost. */
export const largestUdpBytes = 1232;
export const flagBits = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  desired: 0x0100,
};

export const typeNumbers = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;
const optType = 41;
const typeNames = new Map(Object.entries(typeNumbers).map(([name, number]) => [number as number, name]));

/** Of a bad message: what is thrown and caught here alone, without the cost of a trace. */
const malformed = new Error('malformed');

export function parseQuery(bytes: Buffer): Query | BadQuery {
  if (bytes.length < headerBytes) return { ignore: true };
  const flags = bytes.readUInt16BE(2);
  if (flags & flagBits.response) return { ignore: true }; // answers are not answered: two servers would talk for ever
  const opcode = (flags >> 11) & 15;
  if (opcode !== 0) return { reply: bareReply(bytes, rcodes.notImplemented) };
  const additionals = bytes.readUInt16BE(10);
  if (bytes.readUInt16BE(4) !== 1 || bytes.readUInt32BE(6) !== 0 || additionals > 3) {
    return { reply: bareReply(bytes, rcodes.formatError) };
  }
  try {
    const nameEnd = endOfQuestionName(bytes);
    const edns = additionals > 0 ? readEdns(bytes, nameEnd + 4, additionals) : undefined;
    const type = bytes.readUInt16BE(nameEnd);
    return {
      id: bytes.readUInt16BE(0),
      name: readName(bytes, nameEnd),
      type: typeNames.get(type) ?? `TYPE${type}`,
      isInternet: bytes.readUInt16BE(nameEnd + 2) === 1,
      recursionDesired: (flags & flagBits.desired) !== 0,
      rawQuestion: Buffer.from(bytes.subarray(headerBytes, nameEnd + 4)),
      ...(edns && { edns }),
    };
  } catch {
    return { reply: bareReply(bytes, rcodes.formatError) };
  }
}

/** A question is never compressed, and its name has at most 255 bytes. @throws when it is not so. */
function endOfQuestionName(bytes: Buffer): number {
  let offset = headerBytes;
  for (;;) {
    const length = bytes.readUInt8(offset);
    if (length > 63) throw malformed;
    offset += length + 1;
    if (offset - headerBytes > 255) throw malformed;
    if (length === 0) break;
  }
  if (offset + 4 > bytes.length) throw malformed;
  return offset;
}

/** The labels from the header to `end`, with dots between them. A dot inside a label becomes what no name here has. */
function readName(bytes: Buffer, end: number): string {
  let name = '';
  for (let offset = headerBytes; bytes[offset] !== 0 && offset < end; ) {
    const next = offset + 1 + bytes[offset]!;
    const label = bytes.toString('latin1', offset + 1, next);
    name += `${name && '.'}${label.includes('.') ? label.replaceAll('.', '\0') : label}`;
    offset = next;
  }
  return name.toLowerCase();
}

/** @throws for records that are not there, and for two EDNS ones */
function readEdns(bytes: Buffer, start: number, count: number): Query['edns'] {
  let offset = start;
  let edns: Query['edns'];
  for (let i = 0; i < count; i++) {
    const at = skipName(bytes, offset);
    const end = at + 10 + bytes.readUInt16BE(at + 8);
    if (end > bytes.length) throw malformed;
    if (bytes.readUInt16BE(at) === optType) {
      if (edns || at !== offset + 1) throw malformed;
      edns = { udpSize: bytes.readUInt16BE(at + 2), version: bytes.readUInt8(at + 5) };
    }
    offset = end;
  }
  return edns;
}

/** Where what follows a name begins. @throws past the end */
export function skipName(bytes: Buffer, start: number): number {
  let offset = start;
  for (;;) {
    const length = bytes.readUInt8(offset);
    if (length >= 0xc0) return offset + 2;
    if (length > 63) throw malformed;
    offset += length + 1;
    if (length === 0) return offset;
  }
}

/** Only the header comes back: what followed it could not be read. */
function bareReply(bytes: Buffer, rcode: number): Buffer {
  const reply = Buffer.alloc(headerBytes);
  bytes.copy(reply, 0, 0, 2);
  const kept = bytes.readUInt16BE(2) & 0x7900; // opcode, recursion desired
  reply.writeUInt16BE(flagBits.response | kept | rcode, 2);
  return reply;
}

/** What the asker can take: 512 bytes by UDP unless it says more. */
export function udpLimit(query: Query): number {
  return Math.min(Math.max(query.edns?.udpSize ?? plainUdpBytes, plainUdpBytes), largestUdpBytes);
}

/** Another server's answer without its records, and the mark that says: ask again by TCP. */
export function cutToQuestion(answer: Buffer, query: Query): Buffer {
  const cut = Buffer.from(answer.subarray(0, headerBytes + query.rawQuestion.length));
  cut.writeUInt16BE(cut.readUInt16BE(2) | flagBits.truncated, 2);
  cut.fill(0, 6, headerBytes);
  return cut;
}
