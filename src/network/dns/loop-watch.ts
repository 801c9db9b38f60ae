// Servers that ask us what we ask them: a question would go round for ever. Each server is asked once a while about a name
// that nobody else knows; when that question comes to us, it leads back.
import { randomInt } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Query } from './message.ts';
import { encodeQuestion, questionAbout } from './question.ts';
import type { Upstream } from './upstreams.ts';

export interface LoopWatchOptions {
  readonly clock: Clock;
  readonly log: Logger;
  ask(upstream: Upstream, question: Buffer, timeoutMs: number): Promise<Buffer>;
}

interface Known {
  readonly name: string;
  readonly untilMs: number;
  leadsBack: boolean;
}

const againMs = 5 * 60_000;
const timeoutMs = 2_000;

export class LoopWatch {
  readonly #options: LoopWatchOptions;
  readonly #known = new Map<string, Known>();
  readonly #names = new Map<string, string>();

  constructor(options: LoopWatchOptions) {
    this.#options = options;
  }

  /** Whether the question is one of ours that came back. */
  isOurs({ name, type }: Query): boolean {
    if (type !== 'HINFO' || this.#names.size === 0) return false;
    const place = this.#names.get(name);
    const known = place === undefined ? undefined : this.#known.get(place);
    if (!known) return false;
    if (!known.leadsBack)
      this.#options.log.warn('a name server asks us what we ask it; it is left out', { server: place! });
    known.leadsBack = true;
    return true;
  }

  /** Whether this server is not to be asked; finds out about new ones beside the first questions to them. */
  leadsBack(upstream: Upstream): boolean {
    const place = `${upstream.address}:${upstream.port}`;
    const known = this.#known.get(place);
    if (known && known.untilMs > this.#options.clock.monotonicMs()) return known.leadsBack;
    if (known) this.#names.delete(known.name);
    if (this.#known.size >= 64) this.#known.clear(); // of lists that changed long ago
    const name = `${randomInt(2 ** 47)}.${randomInt(2 ** 47)}`;
    const leadsBack = known?.leadsBack ?? false;
    this.#known.set(place, { name, untilMs: this.#options.clock.monotonicMs() + againMs, leadsBack: false });
    this.#names.set(name, place);
    void this.#options.ask(upstream, encodeQuestion(questionAbout(name, 'HINFO')), timeoutMs).catch(() => {});
    return leadsBack;
  }
}
