// One question to one answer: our zone first, other servers for the rest.
import type { Forwarder } from './forwarder.ts';
import { cutToQuestion, encodeResponse, parseQuery, type Query, type Response, rcodes, udpLimit } from './message.ts';
import type { ResourceRecord } from './resource-record.ts';
import type { Zone, ZoneAnswer } from './zone.ts';

export type Transport = 'udp' | 'tcp';

export interface ResolverOptions {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  /** Whether the caches hold the cluster; before, a name that is not found may well be there. */
  readonly isReady: () => boolean;
  /** Counts answers by their code. */
  readonly onAnswer?: (transport: Transport, rcode: number) => void;
}

const badVersion = 16;
const wholeZoneTypes = new Set(['ANY', 'AXFR', 'IXFR']);

export class Resolver {
  readonly #options: ResolverOptions;
  #turn = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** The bytes to send back; undefined when there is nothing to say. Never throws. */
  async answer(bytes: Buffer, transport: Transport): Promise<Buffer | undefined> {
    const query = parseQuery(bytes);
    if ('ignore' in query) return undefined;
    if ('reply' in query) return this.#counted(transport, query.reply);
    const limit = transport === 'udp' ? udpLimit(query) : 65_535;
    try {
      const response = await this.#respond(query, transport);
      return this.#counted(transport, Buffer.isBuffer(response) ? response : encodeResponse(query, response, limit));
    } catch {
      // What cannot be put on the wire (a label too long in somebody's object) must not end the server.
      return this.#counted(transport, encodeResponse(query, { rcode: rcodes.serverFailure }, limit));
    }
  }

  #counted(transport: Transport, reply: Buffer): Buffer {
    this.#options.onAnswer?.(transport, reply[3]! & 15);
    return reply;
  }

  async #respond(query: Query, transport: Transport): Promise<Response | Buffer> {
    if ((query.edns?.version ?? 0) > 0) return { rcode: badVersion };
    if (!query.isInternet) return { rcode: rcodes.refused };
    const found = this.#options.zone.resolve(query.name, query.type);
    if (found.kind === 'elsewhere') return this.#forward(query, transport);
    if (!this.#options.isReady()) return { rcode: rcodes.serverFailure };
    if (wholeZoneTypes.has(query.type)) return { rcode: rcodes.notImplemented };
    return found.kind === 'alias' ? this.#follow(query, found) : this.#ours(found);
  }

  #ours(found: Exclude<ZoneAnswer, { kind: 'alias' | 'elsewhere' }>): Response {
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
  async #follow(query: Query, alias: Extract<ZoneAnswer, { kind: 'alias' }>): Promise<Response | Buffer> {
    const answers = [...alias.records];
    let target = alias.target.toLowerCase();
    for (let hops = 0; query.type !== 'CNAME' && hops < 8; hops++) {
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
    return { rcode: rcodes.ok, isAuthoritative: true, answers };
  }

  async #lookUp(query: Query, name: string): Promise<ResourceRecord[]> {
    const { encodeQuestionFor, readAnswers } = await import('./outside-names.ts');
    const reply = await this.#options.forwarder.ask(encodeQuestionFor(query, name), 'udp');
    return reply ? readAnswers(reply) : [];
  }

  async #forward(query: Query, transport: Transport): Promise<Response | Buffer> {
    if (!query.recursionDesired) return { rcode: rcodes.refused };
    const reply = await this.#options.forwarder.ask(query, transport);
    if (!reply) return { rcode: rcodes.serverFailure };
    if (transport === 'udp' && reply.length > udpLimit(query)) return cutToQuestion(reply, query);
    return reply;
  }
}
