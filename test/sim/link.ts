// What lies between one component and the API server: messages that are late, overtake each other, get lost on the way
// there or on the way back; watches that fall behind, break off or are too old. All of it follows from the seed.
import type { UserInfo } from '../../src/apiserver/authn/authenticator.ts';
import type { ApiServer } from '../../src/apiserver/server.ts';
import type { Random } from '../../src/base/random.ts';
import type { Transport, TransportRequest, TransportResponse } from '../../src/client/transport.ts';
import type { VirtualClock } from '../../src/testing/virtual-clock.ts';

/** How bad it is. Rates are shares of messages, from 0 to 1. */
export interface Weather {
  /** A request, and its answer, is late by up to this. */
  readonly delayMs: number;
  /** Events of a watch are late by up to this. */
  readonly lagMs: number;
  /** The server never sees the request: 500, 503, 429 or no answer. */
  readonly lossRate: number;
  /** It is carried out, and the answer is lost. */
  readonly lostAnswerRate: number;
  /** A write is told it lost a race. */
  readonly conflictRate: number;
  /** A watch breaks off at an event. */
  readonly cutRate: number;
  /** A watch that resumes is told its revision is gone. */
  readonly expiredRate: number;
}

export const fairWeather: Weather = {
  delayMs: 0,
  lagMs: 0,
  lossRate: 0,
  lostAnswerRate: 0,
  conflictRate: 0,
  cutRate: 0,
  expiredRate: 0,
};

export interface LinkOptions {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly server: () => Pick<ApiServer, 'handleInProcess'>;
  /** A write was carried out and its sender will not know. */
  readonly onLostAnswer?: (request: TransportRequest) => void;
}

const connectMs = 1000;
/** Beyond so many requests at once each takes time: what goes round until something is seen would go round for ever. */
const maxAtOnce = 500;
const busyMs = 10;
/** Nobody asks what was known before. */
const lateMemoryMs = 5 * 60_000;
const encoder = new TextEncoder();

/** One life of one component: once cut it carries nothing any more, whatever is under way. */
export class Link {
  readonly #options: LinkOptions;
  weather: Weather = fairWeather;
  /** Nothing gets through; those who wait are told after a while. */
  isDown = false;
  #isCut = false;
  /** Broken when the link goes down. */
  readonly #watches = new Set<() => void>();
  /** Several may watch one resource, each with a selection of its own, and each is as far as it is. */
  readonly #views = new Map<string, { readonly resource: string; seenMs?: number; current?: View }>();
  /** What a watch told later than it happened, or may have passed over while there was none. */
  readonly #late: { readonly resource: string; readonly toldMs: number; readonly happenedMs: number }[] = [];
  readonly #bornMs: number;
  #burst = { atMs: 0, requests: 0 };

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#bornMs = options.clock.monotonicMs();
  }

  /** The component has died: what it sent and the server has not read yet is never read. */
  cut(): void {
    this.#isCut = true;
    this.breakWatches();
  }

  breakWatches(): void {
    for (const end of [...this.#watches]) end();
  }

  transport(user: UserInfo): Transport {
    return {
      request: (request) => this.#request(user, request),
      async [Symbol.asyncDispose]() {},
    };
  }

  async #request(user: UserInfo, request: TransportRequest): Promise<TransportResponse> {
    const { clock, server, random } = this.#options;
    clock.noteActivity();
    this.#checkAlive(request);
    if (this.isDown) {
      await clock.sleep(connectMs, request.signal);
      throw new Error(`${this.#options.name}: connection timed out`);
    }
    if (this.#isTooMuch()) await clock.sleep(busyMs, request.signal);
    await this.#delay(request.signal);
    this.#checkAlive(request);
    const isWatch = request.path.includes('watch=true');
    const refusal = this.#refusal(request, isWatch);
    if (refusal) return refusal;
    const answer = await server()
      .handleInProcess(user, request)
      .finally(() => clock.noteActivity());
    if (isWatch && answer.status === 200) return { ...answer, stream: () => this.#lagging(answer.stream(), request) };
    const bytes = await answer.bytes().finally(() => clock.noteActivity());
    if (request.method !== 'GET' && answer.status < 300 && this.#happens(this.weather.lostAnswerRate)) {
      this.#options.onLostAnswer?.(request);
      if (random.next() < 0.5) throw new Error(`${this.#options.name}: connection reset`);
      return statusAnswer(504, 'Timeout', 'request did not complete within the allotted timeout');
    }
    await this.#delay(request.signal);
    if (this.#isCut && request.method !== 'GET' && answer.status < 300) this.#options.onLostAnswer?.(request);
    this.#checkAlive(request);
    return { status: answer.status, headers: answer.headers, bytes: async () => bytes, stream: () => answer.stream() };
  }

  #checkAlive(request: TransportRequest): void {
    if (this.#isCut) throw new Error(`${this.#options.name} is gone`);
    request.signal?.throwIfAborted();
  }

  #isTooMuch(): boolean {
    const atMs = this.#options.clock.monotonicMs();
    const forgotten = (atMs - this.#burst.atMs) / busyMs;
    this.#burst = { atMs, requests: Math.max(0, this.#burst.requests - forgotten) + 1 };
    return this.#burst.requests > maxAtOnce;
  }

  #happens(rate: number): boolean {
    return rate > 0 && this.#options.random.next() < rate;
  }

  async #delay(signal: AbortSignal | undefined): Promise<void> {
    const { delayMs } = this.weather;
    if (delayMs <= 0) return;
    const { clock, random } = this.#options;
    // Mostly quick, now and then as late as can be.
    const lateMs = delayMs * random.next() ** 4;
    if (lateMs >= 1) await clock.sleep(lateMs, signal);
  }

  #refusal(request: TransportRequest, isWatch: boolean): TransportResponse | undefined {
    const { random, name } = this.#options;
    if (isWatch && !request.path.includes('resourceVersion=0') && this.#happens(this.weather.expiredRate))
      return statusAnswer(410, 'Expired', 'too old resource version');
    if (request.method === 'PUT' && this.#happens(this.weather.conflictRate))
      return statusAnswer(
        409,
        'Conflict',
        'the object has been modified; please apply your changes to the latest version',
      );
    if (!this.#happens(this.weather.lossRate)) return undefined;
    const dice = random.next();
    if (dice < 0.4) return statusAnswer(500, 'InternalError', 'something went wrong');
    if (dice < 0.7) return statusAnswer(503, 'ServiceUnavailable', 'not now');
    throw new Error(`${name}: connection reset`);
  }

  /** In order, each piece as late as the weather has it; a late one does not make those behind it later still. */
  async *#lagging(source: AsyncIterable<Uint8Array>, request: TransportRequest): AsyncGenerator<Uint8Array> {
    const { clock, random } = this.#options;
    const [resource, watcher] = [resourceOf(request.path), watcherOf(request)];
    const queue: { piece: Uint8Array; arrivedMs: number; happenedMs: number; dueMs: number }[] = [];
    let hasEnded = false;
    let wake = () => {};
    const end = () => {
      hasEnded = true;
      clock.noteActivity();
      wake();
    };
    const before = this.#views.get(watcher)?.seenMs;
    const view: View = { sinceMs: clock.monotonicMs(), oldestMs: () => queue[0]?.happenedMs };
    this.#views.set(watcher, { resource, ...(before === undefined ? {} : { seenMs: before }), current: view });
    if (before !== undefined) this.#noteLate(resource, before);
    const pieces = source[Symbol.asyncIterator]();
    const pump = async () => {
      try {
        for (let next = await pieces.next(); !next.done && !hasEnded; next = await pieces.next()) {
          clock.noteActivity();
          const { lagMs } = this.weather;
          const lateMs = lagMs > 0 ? Math.floor(lagMs * random.next() ** 4) : 0;
          const dueMs = Math.max(queue.at(-1)?.dueMs ?? 0, clock.monotonicMs() + lateMs);
          const arrivedMs = clock.monotonicMs();
          // What comes at once is what happened since the watch before this one.
          const happenedMs = arrivedMs === view.sinceMs ? (before ?? arrivedMs) : arrivedMs;
          queue.push({ piece: next.value, arrivedMs, happenedMs, dueMs });
          wake();
        }
      } finally {
        end();
      }
    };
    let toldMs = before;
    let isMissing = false;
    this.#watches.add(end);
    void pump().catch(() => {});
    try {
      for (;;) {
        const [next] = queue;
        if (this.#isCut || this.isDown || (hasEnded && !next)) return;
        if (!next) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        const waitMs = next.dueMs - clock.monotonicMs();
        if (waitMs > 0) {
          await clock.sleep(waitMs);
          continue;
        }
        if (this.#happens(this.weather.cutRate)) return;
        queue.shift();
        if (isError(next.piece)) isMissing = true;
        else toldMs = next.arrivedMs;
        this.#noteLate(resource, next.happenedMs);
        yield next.piece;
        clock.noteActivity();
      }
    } finally {
      const seenMs = isMissing ? toldMs : this.#seenMs(view);
      this.#views.set(watcher, { resource, ...(seenMs === undefined ? {} : { seenMs }) });
      this.#watches.delete(end);
      end();
      void pieces.return?.();
    }
  }

  #noteLate(resource: string, happenedMs: number): void {
    const toldMs = this.#options.clock.monotonicMs();
    if (happenedMs >= toldMs) return;
    while (this.#late.length > 0 && toldMs - this.#late[0]!.toldMs > lateMemoryMs) this.#late.shift();
    this.#late.push({ resource, toldMs, happenedMs });
  }

  #seenMs(view: View): number {
    return (
      view.oldestMs() ??
      (view.sinceMs < this.#options.clock.monotonicMs() ? this.#options.clock.monotonicMs() - 1 : view.sinceMs - 1)
    );
  }

  /** The moment up to which all of the component has seen everything that happened to these. */
  knownUntilMs(resource: string): number {
    const views = [...this.#views.values()].filter((view) => view.resource === resource);
    if (views.length === 0) return this.#bornMs;
    return Math.min(...views.map((view) => this.#knownUntilMs(view)));
  }

  /** As it was at another moment, a few minutes ago at most: what it has been told since, it did not know then. */
  knewUntilMs(resource: string, thenMs: number): number {
    const late = this.#late.filter((each) => each.resource === resource && each.toldMs >= thenMs);
    return Math.min(thenMs, this.knownUntilMs(resource), ...late.map(({ happenedMs }) => happenedMs));
  }

  #knownUntilMs(view: { readonly seenMs?: number; readonly current?: View }): number {
    if (!view.current) return view.seenMs ?? this.#bornMs;
    const isFresh = view.current.sinceMs < this.#options.clock.monotonicMs();
    return isFresh ? this.#seenMs(view.current) : Math.min(view.seenMs ?? this.#bornMs, this.#seenMs(view.current));
  }
}

interface View {
  readonly sinceMs: number;
  /** When the first of those that wait to be seen came. */
  readonly oldestMs: () => number | undefined;
}

/** `pods` of `/api/v1/namespaces/x/pods?watch=true`. */
const resourceOf = (path: string): string => path.slice(0, path.indexOf('?')).split('/').at(-1) ?? '';

const errorStart = encoder.encode('{"type":"ERROR"');
/** The watch can not go on from where it was: what happened since then, it does not tell. */
const isError = (piece: Uint8Array): boolean => errorStart.every((byte, index) => piece[index] === byte);

/** Who watches: the same one again when a watch of the same was broken off. */
function watcherOf({ path, headers }: TransportRequest): string {
  const [of = '', query = ''] = path.split('?');
  const selection = new URLSearchParams(query);
  for (const name of ['resourceVersion', 'timeoutSeconds']) selection.delete(name);
  return `${of}?${selection} ${headers?.['accept'] ?? ''}`;
}

function statusAnswer(code: number, reason: string, message: string): TransportResponse {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
  const bytes = encoder.encode(JSON.stringify(body));
  return {
    status: code,
    headers: { 'content-type': 'application/json' },
    bytes: async () => bytes,
    async *stream() {
      yield bytes;
    },
  };
}
