// Asks other servers. A fresh socket and id for each question, so that answers cannot be forged by guessing; equal
// questions asked at once are asked once; what may be under way is bounded, and a dead server is not waited for twice.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { AnswerCache } from './answer-cache.ts';
import { cutToQuestion, type Query } from './message.ts';
import { findTtls } from './ttl-offsets.ts';
import type { Upstream, UpstreamSource } from './upstreams.ts';

export interface ForwarderOptions {
  readonly upstreams: UpstreamSource;
  readonly clock: Clock;
  /** Questions under way at once; default 500. More are refused. */
  readonly maxInFlight?: number;
  /** For one server to answer; default 1.5 s. */
  readonly timeoutMs?: number;
  readonly maxCached?: number;
}

/** A server that did not answer is left alone for this long. */
const restMs = 5_000;
const maxUdpBytes = 1232;

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #cache: AnswerCache;
  readonly #inFlight = new Map<string, Promise<Buffer | undefined>>();
  readonly #restUntilMs = new Map<string, number>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#cache = new AnswerCache(options.clock, options.maxCached);
  }

  /** The answer under the asker's id, or undefined when nobody could be asked. */
  async ask(query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const key = `${query.edns ? 'e' : ''} ${query.rawQuestion.toString('latin1').toLowerCase()}`;
    const cached = this.#cache.find(key);
    if (cached) return addressed(cached, query);
    const flightKey = `${transport} ${key}`;
    let flight = this.#inFlight.get(flightKey);
    if (!flight) {
      if (this.#inFlight.size >= (this.#options.maxInFlight ?? 500)) return undefined;
      flight = this.#askUpstreams(query, transport).finally(() => this.#inFlight.delete(flightKey));
      this.#inFlight.set(flightKey, flight);
    }
    const answer = await flight;
    if (!answer) return undefined;
    this.#cache.put(key, answer);
    return addressed(Buffer.from(answer), query);
  }

  async #askUpstreams(query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const { clock, timeoutMs = 1_500 } = this.#options;
    const question = encodeQuestion(query);
    for (const upstream of await this.#options.upstreams.current()) {
      const place = `${upstream.address} ${upstream.port}`;
      if ((this.#restUntilMs.get(place) ?? 0) > clock.monotonicMs()) continue;
      const ask = transport === 'udp' ? askByUdp : askByTcp;
      const answer = await ask(upstream, question, timeoutMs).catch(() => undefined);
      if (answer && findTtls(answer)) return answer;
      // Records that are not there: cut by the server as it marked, or by somebody's hand.
      if (answer && isTruncated(answer)) return cutToQuestion(answer, query);
      this.#restUntilMs.set(place, clock.monotonicMs() + restMs);
    }
    return undefined;
  }
}

const isTruncated = (answer: Buffer) => (answer.readUInt16BE(2) & 0x0200) !== 0;

/** The asker's id and its own spelling of the name. */
function addressed(answer: Buffer, query: Query): Buffer {
  answer.writeUInt16BE(query.id, 0);
  if (answer.length >= 12 + query.rawQuestion.length) query.rawQuestion.copy(answer, 12);
  return answer;
}

function encodeQuestion(query: Query): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(randomInt(0x10000), 0);
  header.writeUInt16BE(0x0100, 2); // recursion desired
  header.writeUInt16BE(1, 4);
  if (!query.edns) return Buffer.concat([header, query.rawQuestion]);
  header.writeUInt16BE(1, 10);
  const opt = Buffer.from([0, 0, 41, maxUdpBytes >> 8, maxUdpBytes & 255, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, query.rawQuestion, opt]);
}

/** An answer to this very question, and nothing else. */
function answers(question: Buffer, candidate: Buffer): boolean {
  if (candidate.length < 12 || candidate.readUInt16BE(0) !== question.readUInt16BE(0)) return false;
  if ((candidate.readUInt16BE(2) & 0x8000) === 0 || candidate.readUInt16BE(4) !== 1) return false;
  const end = question.indexOf(0, 12) + 5;
  const asked = question.toString('latin1', 12, end).toLowerCase();
  return candidate.toString('latin1', 12, end).toLowerCase() === asked;
}

function askByUdp(upstream: Upstream, question: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(upstream.address) ? 'udp6' : 'udp4');
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {}); // one more may come while it closes
      socket.close();
      settle();
    };
    const timer = setTimeout(() => finish(() => reject(new Error('timed out'))), timeoutMs);
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('message', (message) => {
      if (answers(question, message)) finish(() => resolve(message));
    });
    // Connected: datagrams from anyone else are dropped by the kernel.
    socket.connect(upstream.port, upstream.address, () => socket.send(question));
  });
}

function askByTcp(upstream: Upstream, question: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: upstream.address, port: upstream.port });
    const chunks: Buffer[] = [];
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('timed out')));
    socket.on('error', reject);
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(question.length);
      socket.write(Buffer.concat([length, question]));
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      if (all.length < 2 || all.length < 2 + all.readUInt16BE(0)) return;
      const message = all.subarray(2, 2 + all.readUInt16BE(0));
      socket.destroy();
      if (answers(question, message)) resolve(message);
      else reject(new Error('an answer to another question'));
    });
    socket.on('close', () => reject(new Error('closed without an answer')));
  });
}
