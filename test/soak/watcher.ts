// A client that watches as clients do: from the start or from where it was, cut off at any byte, now and then slow; it holds
// every event against the oracle.

import type { ApiServer } from '../../src/apiserver/server.ts';
import type { Random } from '../../src/base/random.ts';
import { pathOf } from './config-maps.ts';
import { type Filter, type Oracle, positionAfter } from './oracle.ts';

export interface WatcherFigures {
  events: number;
  resumed: number;
  expired: number;
  cut: number;
}

export interface WatcherOptions {
  readonly filter: Filter;
  readonly oracle: Oracle;
  readonly random: Random;
  readonly figures: WatcherFigures;
  /** The server of the moment; undefined while it restarts. */
  readonly server: () => ApiServer | undefined;
  readonly signal: AbortSignal;
}

const user = { username: 'soak', groups: ['system:masters', 'system:authenticated'] };
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 5));

export class Watcher {
  readonly #options: WatcherOptions;
  readonly filter: Filter;
  /** Key and revision of everything it believes is there. */
  readonly view = new Map<string, number>();
  /** 0: it begins with what is there. */
  revision = 0;
  #position = 0;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.filter = options.filter;
  }

  /** Until the signal. @throws when an event is not the one that the oracle has next */
  async run(): Promise<void> {
    const { signal, server, figures } = this.#options;
    while (!signal.aborted) {
      const current = server();
      if (!current) await pause();
      else {
        if (this.revision > 0) figures.resumed++;
        await this.#watchOnce(current);
      }
    }
  }

  async #watchOnce(server: ApiServer): Promise<void> {
    const { random, signal, figures, filter } = this.#options;
    // What came before a cut that came before the bookmark is not known to be there any more.
    if (this.revision === 0) this.view.clear();
    const stop = new AbortController();
    const abort = () => stop.abort();
    signal.addEventListener('abort', abort, { once: true });
    // Some go on to the end, others are cut off somewhere, in the middle of an event as well.
    let bytesLeft = random.next() < 0.3 ? Number.POSITIVE_INFINITY : Math.floor(random.next() * 200_000);
    const isSlow = random.next() < 0.1;
    const from =
      this.revision > 0
        ? `&resourceVersion=${this.revision}`
        : '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    const path = `${pathOf(filter)}&watch=true&allowWatchBookmarks=true${from}`;
    try {
      const answer = await server.handleInProcess(user, { method: 'GET', path, signal: stop.signal });
      if (answer.status !== 200) return await pause();
      let rest = '';
      for await (const chunk of answer.stream()) {
        const bytes = Buffer.from(chunk).subarray(0, bytesLeft);
        bytesLeft -= bytes.length;
        const lines = (rest + bytes.toString()).split('\n');
        rest = lines.pop()!;
        for (const line of lines) if (!(await this.#take(JSON.parse(line)))) return;
        if (bytesLeft <= 0) {
          figures.cut++;
          return;
        }
        if (isSlow) await pause();
      }
    } catch (error) {
      if (error instanceof OracleError) throw error;
      await pause(); // the server is going down
    } finally {
      signal.removeEventListener('abort', abort);
      stop.abort();
    }
  }

  /** False: the watch is over. */
  async #take({ type, object }: { type: string; object: any }): Promise<boolean> {
    const { figures, oracle, filter } = this.#options;
    if (type === 'ERROR') return this.#expire(object);
    const revision = Number(object.metadata.resourceVersion);
    if (type === 'BOOKMARK') {
      if (object.metadata.annotations?.['k8s.io/initial-events-end']) {
        const waiting = oracle.waitFor(revision);
        if (waiting) await waiting;
        this.#position = positionAfter(oracle.stream(filter), revision);
      } else await this.#requireNothingUpTo(revision);
      this.revision = revision;
      return true;
    }
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    figures.events++;
    if (this.revision === 0) {
      // Before the bookmark: what was there at the start, in any order of revisions.
      if (type !== 'ADDED') throw new OracleError(`${type} ${key} among the initial events`);
      this.view.set(key, revision);
      return true;
    }
    const waiting = oracle.waitFor(revision);
    if (waiting) await waiting;
    const expected = oracle.stream(filter)[this.#position++];
    if (expected?.revision !== revision || expected.type !== type || expected.key !== key) {
      const wanted = expected ? `${expected.revision} ${expected.type} ${expected.key}` : 'nothing';
      throw new OracleError(
        `${JSON.stringify(filter)} after ${this.revision}: ${revision} ${type} ${key}, not ${wanted}`,
      );
    }
    this.revision = revision;
    if (type === 'DELETED') this.view.delete(key);
    else this.view.set(key, revision);
    return true;
  }

  /** A bookmark promises that nothing is missing up to it. */
  async #requireNothingUpTo(revision: number): Promise<void> {
    const { oracle, filter } = this.#options;
    const waiting = oracle.waitFor(revision);
    if (waiting) await waiting;
    const next = oracle.stream(filter)[this.#position];
    if (next && next.revision <= revision) throw new OracleError(`bookmark ${revision} before event ${next.revision}`);
  }

  /** Too old a version is told so, and only when it is too old. */
  #expire(status: any): false {
    const match = /^too old resource version: (\d+) \((\d+)\)$/.exec(status.message ?? '');
    if (status.code !== 410 || !match || Number(match[1]) >= Number(match[2])) {
      throw new OracleError(`unexpected end: ${JSON.stringify(status)}`);
    }
    this.#options.figures.expired++;
    this.revision = 0;
    this.#position = 0;
    this.view.clear();
    return false;
  }

  /** Undefined: it has seen everything, and what it believes is there is there. */
  behind(): string | undefined {
    const { oracle, filter } = this.#options;
    if (this.revision === 0) return 'has not begun';
    const left = oracle.stream(filter).length - this.#position;
    if (left > 0) return `${left} events are missing`;
    const state = oracle.state(filter);
    const isSame = state.size === this.view.size && [...state].every(([key, at]) => this.view.get(key) === at);
    return isSame ? undefined : 'believes in what is not there';
  }
}

export class OracleError extends Error {}
