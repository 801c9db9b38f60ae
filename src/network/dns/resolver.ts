// One question to one answer: what was said before, our zone, other servers for the rest.
import type { Clock } from '../../base/clock.ts';
import type { CachedAnswer } from './answer-cache.ts';
import type { Forwarder } from './forwarder.ts';
import { KnownReplies } from './known-replies.ts';
import { cutToQuestion, parseQuery, type Query, rcodes, udpLimit } from './message.ts';
import type { AnswerFacts, DnsMetrics, Tally } from './metrics.ts';
import type { ResourceRecord } from './resource-record.ts';
import { encodeResponse, type Response } from './write-message.ts';
import type { Zone, ZoneAnswer } from './zone.ts';

export type Transport = AnswerFacts['transport'];

export interface ResolverOptions {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  readonly clock: Clock;
  readonly metrics: DnsMetrics;
  /** Whether the caches hold the cluster; before, a name that is not found may well be there. */
  readonly isReady: () => boolean;
}

/** An answer under way: to which question, since when. */
interface Asked {
  readonly bytes: Buffer;
  readonly query: Query;
  readonly transport: Transport;
  readonly startedMs: number;
}

/** How long an answer may be given again, and in how many orders. */
interface Again {
  readonly turns?: number;
  readonly lifeMs?: number;
}

type Ours = Exclude<ZoneAnswer, { kind: 'alias' | 'elsewhere' }>;

const badVersion = 16;
const transferTypes = new Set(['AXFR', 'IXFR']);
const largestByTcp = 65_535;

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #known: KnownReplies;
  #turn = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#known = new KnownReplies(options.clock);
    options.zone.onChange(() => this.#known.forget());
  }

  /** Nothing that was said before counts: other servers are asked from now on. */
  forget(): void {
    this.#known.forget();
  }

  /**
   * The answer to the same question by UDP, if there was one and nothing has changed. The bytes are given again and
   * changed: call `replaceKnown` if they are to be read later.
   */
  known(bytes: Buffer): Buffer | undefined {
    const reply = this.#known.find(bytes);
    if (!reply) return undefined;
    this.#options.metrics.hit();
    reply.tally({ questionBytes: bytes.length, replyBytes: reply.bytes.length, ms: 0 });
    return reply.bytes;
  }

  replaceKnown(question: Buffer, reply: Buffer): void {
    this.#known.replace(question, reply);
  }

  /** The bytes to send back; undefined when there is nothing to say. Never throws. At once where nobody else is asked. */
  answer(bytes: Buffer, transport: Transport): Buffer | undefined | Promise<Buffer> {
    const startedMs = this.#options.clock.monotonicMs();
    const query = parseQuery(bytes);
    if ('ignore' in query) return undefined;
    if ('reply' in query) {
      const { reply } = query;
      this.#tally({ transport, type: 'other', plugin: '', rcode: reply[3]! & 15 })(
        sizes(bytes, reply, this.#options.clock.monotonicMs() - startedMs),
      );
      return reply;
    }
    const asked = { bytes, query, transport, startedMs };
    try {
      return this.#respond(asked);
    } catch {
      return this.#failed(asked);
    }
  }

  /** What cannot be put on the wire (a label too long in somebody's object) must not end the server. */
  #failed(asked: Asked): Buffer {
    return this.#done(asked, { rcode: rcodes.serverFailure }, '');
  }

  #respond(asked: Asked): Buffer | Promise<Buffer> {
    const { query } = asked;
    if ((query.edns?.version ?? 0) > 0) return this.#done(asked, { rcode: badVersion }, '');
    if (!query.isInternet) return this.#done(asked, { rcode: rcodes.refused }, '');
    const found = this.#options.zone.resolve(query.name, query.type);
    if (found.kind === 'elsewhere') return this.#forward(asked).catch(() => this.#failed(asked));
    if (!this.#options.isReady()) return this.#done(asked, { rcode: rcodes.serverFailure }, 'kubernetes');
    if (transferTypes.has(query.type)) return this.#done(asked, { rcode: rcodes.refused }, 'kubernetes');
    if (found.kind === 'alias') return this.#follow(asked, found).catch(() => this.#failed(asked));
    return this.#done(asked, this.#ours(found), 'kubernetes', { turns: turnsOf(found) });
  }

  /** Counts the answer, and keeps it if it may be given again. */
  #done(asked: Asked, response: Response | Buffer, plugin: AnswerFacts['plugin'], again?: Again): Buffer {
    const { bytes, query, transport, startedMs } = asked;
    const generation = this.#known.generation;
    const limit = transport === 'udp' ? udpLimit(query) : largestByTcp;
    const reply = Buffer.isBuffer(response) ? response : encodeResponse(query, response, limit);
    const tally = this.#tally({ transport, type: query.type, plugin, rcode: reply[3]! & 15 });
    tally(sizes(bytes, reply, this.#options.clock.monotonicMs() - startedMs));
    if (again && transport === 'udp') this.#known.keep(bytes, reply, generation, { ...again, tally });
    return reply;
  }

  #tally(facts: AnswerFacts): Tally {
    return this.#options.metrics.tally(facts);
  }

  #ours(found: Ours): Response {
    if (found.kind === 'found') {
      const { records, extra = [] } = found;
      return { rcode: rcodes.ok, isAuthoritative: true, answers: this.#rotate(records), additionals: extra };
    }
    const rcode = found.kind === 'nodata' ? rcodes.ok : rcodes.nameError;
    return { rcode, isAuthoritative: true, authorities: [found.authority] };
  }

  /** Another one first each time: many clients take the first address only. */
  #rotate(records: readonly ResourceRecord[]): readonly ResourceRecord[] {
    if (records.length < 2) return records;
    const start = this.#turn++ % records.length;
    return [...records.slice(start), ...records.slice(0, start)];
  }

  /** The alias and, where we can say it ourselves, what it leads to; otherwise the asker follows it. */
  async #follow(asked: Asked, alias: Extract<ZoneAnswer, { kind: 'alias' }>): Promise<Buffer> {
    const { query } = asked;
    const answers = [...alias.records];
    let target = alias.target.toLowerCase();
    const isAnswered = query.type === 'CNAME' || query.type === 'ANY';
    for (let hops = 0; !isAnswered && hops < 8; hops++) {
      const next = this.#options.zone.resolve(target, query.type);
      if (next.kind === 'elsewhere') {
        answers.push(...(await this.#lookUp(query, target)));
        break;
      }
      if (next.kind === 'found') answers.push(...next.records);
      if (next.kind !== 'alias') break;
      answers.push(...next.records);
      target = next.target.toLowerCase();
    }
    return this.#done(asked, { rcode: rcodes.ok, isAuthoritative: true, answers }, 'kubernetes');
  }

  async #lookUp(query: Query, name: string): Promise<ResourceRecord[]> {
    const { questionFor, readAnswers } = await import('./outside-names.ts');
    const question = questionFor(query, name);
    const reply = question && (await this.#options.forwarder.ask(question, 'udp'));
    return reply ? readAnswers(reply.bytes) : [];
  }

  async #forward(asked: Asked): Promise<Buffer> {
    const { query, transport } = asked;
    if (!query.recursionDesired) return this.#done(asked, { rcode: rcodes.refused }, 'forward');
    const reply: CachedAnswer | undefined = await this.#options.forwarder.ask(query, transport);
    if (!reply) return this.#done(asked, { rcode: rcodes.serverFailure }, 'forward');
    const { bytes, lifeMs, isKnown } = reply;
    if (transport === 'udp' && bytes.length > udpLimit(query))
      return this.#done(asked, cutToQuestion(bytes, query), 'forward');
    // Many names outside are asked for once: those would drive out what is asked often.
    return this.#done(asked, bytes, 'forward', isKnown ? { lifeMs } : undefined);
  }
}

const sizes = (question: Buffer, reply: Buffer, ms: number) => ({
  questionBytes: question.length,
  replyBytes: reply.length,
  ms,
});

/** In how many orders the records can stand. */
const turnsOf = (found: Ours) => (found.kind === 'found' ? found.records.length : 1);
