// Messages on the wire. dns-packet reads and writes them; what is added is care about what strangers send, truncation,
// and the question given back exactly as it came.
import * as packets from 'dns-packet';
import type { ResourceRecord } from './resource-record.ts';

export const rcodes = { ok: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5 } as const;

export interface Query {
  readonly id: number;
  /** Lower case, without a dot at its end. */
  readonly name: string;
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

export interface Response {
  readonly rcode: number;
  readonly isAuthoritative?: boolean;
  readonly answers?: readonly ResourceRecord[];
  readonly authorities?: readonly ResourceRecord[];
  readonly additionals?: readonly ResourceRecord[];
}

const headerBytes = 12;
const plainUdpBytes = 512;
/** Larger datagrams are cut up on the way and then lost. */
const largestUdpBytes = 1232;
const flagBits = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, desired: 0x0100, available: 0x0080 };

export function parseQuery(bytes: Buffer): Query | BadQuery {
  if (bytes.length < headerBytes) return { ignore: true };
  const flags = bytes.readUInt16BE(2);
  if (flags & flagBits.response) return { ignore: true }; // answers are not answered: two servers would talk for ever
  const opcode = (flags >> 11) & 15;
  if (opcode !== 0) return { reply: bareReply(bytes, rcodes.notImplemented) };
  const counts = [4, 6, 8, 10].map((offset) => bytes.readUInt16BE(offset));
  if (counts[0] !== 1 || counts[1] !== 0 || counts[2] !== 0 || counts[3]! > 3) {
    return { reply: bareReply(bytes, rcodes.formatError) };
  }
  try {
    const questionEnd = endOfQuestion(bytes);
    const packet = packets.decode(bytes);
    const question = packet.questions![0]!;
    const opt = packet.additionals?.find((record) => record.type === 'OPT') as packets.OptAnswer | undefined;
    return {
      id: packet.id ?? 0,
      name: question.name.toLowerCase().replace(/\.$/, ''),
      type: question.type,
      isInternet: question.class === 'IN',
      recursionDesired: (flags & flagBits.desired) !== 0,
      rawQuestion: Buffer.from(bytes.subarray(headerBytes, questionEnd)),
      ...(opt && { edns: { udpSize: opt.udpPayloadSize, version: opt.ednsVersion } }),
    };
  } catch {
    return { reply: bareReply(bytes, rcodes.formatError) };
  }
}

/** A question is never compressed, and its name has at most 255 bytes. @throws when it is not so. */
function endOfQuestion(bytes: Buffer): number {
  let offset = headerBytes;
  for (;;) {
    const length = bytes.readUInt8(offset);
    if (length > 63) throw new Error('compressed or over-long label in a question');
    offset += length + 1;
    if (offset - headerBytes > 255) throw new Error('name longer than 255 bytes');
    if (length === 0) break;
  }
  if (offset + 4 > bytes.length) throw new Error('question cut short');
  return offset + 4;
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

/** The response as bytes, with as many whole records as `limitBytes` lets in and the mark of truncation when not all. */
export function encodeResponse(query: Query, response: Response, limitBytes: number): Buffer {
  const answers = response.answers ?? [];
  const full = encodeSections(query, response, answers, response.additionals ?? [], false);
  if (full.length <= limitBytes) return full;
  // What is only helpful goes first; then answers from the end.
  const bare = encodeSections(query, response, answers, [], false);
  if (bare.length <= limitBytes) return bare;
  let kept = Math.floor((answers.length * limitBytes) / bare.length);
  for (;;) {
    const cut = encodeSections(query, response, answers.slice(0, kept), [], true);
    if (cut.length <= limitBytes || kept === 0) return cut;
    kept -= 1;
  }
}

function encodeSections(
  query: Query,
  response: Response,
  answers: readonly ResourceRecord[],
  additionals: readonly ResourceRecord[],
  isTruncated: boolean,
): Buffer {
  const opt = query.edns && {
    type: 'OPT' as const,
    name: '.',
    udpPayloadSize: largestUdpBytes,
    extendedRcode: response.rcode >> 4,
    ednsVersion: 0,
    flags: 0,
    options: [],
  };
  const encoded = packets.encode({
    type: 'response',
    id: query.id,
    answers: answers as packets.Answer[],
    authorities: (response.authorities ?? []) as packets.Answer[],
    additionals: [...additionals, ...(opt ? [opt] : [])] as packets.Answer[],
  });
  const flags =
    flagBits.response |
    (response.isAuthoritative ? flagBits.authoritative : 0) |
    (isTruncated ? flagBits.truncated : 0) |
    (query.recursionDesired ? flagBits.desired : 0) |
    flagBits.available |
    (response.rcode & 15);
  encoded.writeUInt16BE(flags, 2);
  encoded.writeUInt16BE(1, 4);
  // dns-packet writes no compression pointers, so the question can be put between header and records.
  return Buffer.concat([encoded.subarray(0, headerBytes), query.rawQuestion, encoded.subarray(headerBytes)]);
}

/** Another server's answer without its records, and the mark that says: ask again by TCP. */
export function cutToQuestion(answer: Buffer, query: Query): Buffer {
  const cut = Buffer.from(answer.subarray(0, headerBytes + query.rawQuestion.length));
  cut.writeUInt16BE(cut.readUInt16BE(2) | flagBits.truncated, 2);
  cut.fill(0, 6, headerBytes);
  return cut;
}
