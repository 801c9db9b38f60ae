// Asks other servers. Equal questions asked at once are asked once; what may be under way is bounded, a dead server is not
// waited for twice, and one that asks us in turn is not asked.
import { connect } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { AnswerCache, type CachedAnswer } from './answer-cache.ts';
import { LoopWatch } from './loop-watch.ts';
import { cutToQuestion, type Query } from './message.ts';
import { encodeQuestion, isAnswerTo } from './question.ts';
import { findTtls } from './ttl-offsets.ts';
import { UpstreamSockets } from './upstream-sockets.ts';
import type { Upstream, UpstreamSource } from './upstreams.ts';

export interface ForwarderOptions {
  readonly upstreams: UpstreamSource;
  readonly clock: Clock;
  readonly log: Logger;
  /** Questions under way at once; default 500. More are refused. */
  readonly maxInFlight?: number;
  /** For one server to answer; default 1.5 s. */
  readonly timeoutMs?: number;
  readonly maxCached?: number;
  readonly onEvent?: (event: ForwardEvent) => void;
}

/** What is counted: an answer or silence of a server, a question too many, an answer that was known. */
export type ForwardEvent =
  | { readonly kind: 'asked'; readonly to: string; readonly rcode?: number; readonly ms: number }
  | { readonly kind: 'refused' | 'hit' | 'miss' };

/** A server that did not answer is left alone for this long. */
const restMs = 5_000;

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #cache: AnswerCache;
  readonly #sockets = new UpstreamSockets();
  readonly #loops: LoopWatch;
  readonly #inFlight = new Map<string, Promise<Buffer | undefined>>();
  readonly #restUntilMs = new Map<string, number>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#cache = new AnswerCache(options.clock, options.maxCached);
    this.#loops = new LoopWatch({
      clock: options.clock,
      log: options.log,
      ask: (upstream, question, timeoutMs) => this.#sockets.ask(upstream, question, timeoutMs),
    });
    options.upstreams.onChange?.(() => this.#cache.clear());
  }

  get cached(): number {
    return this.#cache.size;
  }

  /** The answer under the asker's id, or undefined when nobody could be asked. */
  async ask(query: Query, transport: 'udp' | 'tcp'): Promise<CachedAnswer | undefined> {
    if (this.#loops.isOurs(query)) return undefined;
    const { onEvent } = this.#options;
    const key = `${query.edns ? 'e' : ''} ${query.rawQuestion.toString('latin1').toLowerCase()}`;
    const cached = this.#cache.find(key);
    onEvent?.({ kind: cached ? 'hit' : 'miss' });
    if (cached) return addressed(cached, query);
    const flightKey = `${transport} ${key}`;
    let flight = this.#inFlight.get(flightKey);
    if (!flight) {
      if (this.#inFlight.size >= (this.#options.maxInFlight ?? 500)) {
        onEvent?.({ kind: 'refused' });
        return undefined;
      }
      flight = this.#askUpstreams(query, transport).finally(() => this.#inFlight.delete(flightKey));
      this.#inFlight.set(flightKey, flight);
    }
    const answer = await flight;
    if (!answer) return undefined;
    this.#cache.put(key, answer);
    const kept = this.#cache.find(key);
    return addressed({ bytes: kept?.bytes ?? Buffer.from(answer), lifeMs: kept?.lifeMs ?? 0 }, query);
  }

  close(): void {
    this.#sockets.close();
  }

  async #askUpstreams(query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const { clock, timeoutMs = 1_500, onEvent } = this.#options;
    const question = encodeQuestion(query);
    for (const upstream of await this.#options.upstreams.current(query.name)) {
      const place = `${upstream.address}:${upstream.port}`;
      if ((this.#restUntilMs.get(place) ?? 0) > clock.monotonicMs() || this.#loops.leadsBack(upstream)) continue;
      const startedMs = clock.monotonicMs();
      const asked =
        transport === 'udp'
          ? this.#sockets.ask(upstream, question, timeoutMs)
          : askByTcp(upstream, question, timeoutMs);
      const answer = await asked.catch(() => undefined);
      const rcode = answer && { rcode: answer[3]! & 15 };
      onEvent?.({ kind: 'asked', to: place, ms: clock.monotonicMs() - startedMs, ...rcode });
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
function addressed(answer: CachedAnswer, query: Query): CachedAnswer {
  const { bytes } = answer;
  bytes.writeUInt16BE(query.id, 0);
  if (bytes.length >= 12 + query.rawQuestion.length) query.rawQuestion.copy(bytes, 12);
  return answer;
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
      if (isAnswerTo(question, message)) resolve(message);
      else reject(new Error('an answer to another question'));
    });
    socket.on('close', () => reject(new Error('closed without an answer')));
  });
}
