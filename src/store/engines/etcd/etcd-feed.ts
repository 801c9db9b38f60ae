// One watch on etcd that feeds the commit log: it resumes where it broke off, on another endpoint when there is one.
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { linkSignal } from '../../../base/signals.ts';
import type { StoreEvent } from '../../store.ts';
import type { EtcdConnection } from './etcd-connection.ts';
import type { EtcdKeys } from './etcd-keys.ts';
import { eventType } from './etcd-schema.ts';

export interface FeedOptions {
  readonly connection: EtcdConnection;
  readonly keys: EtcdKeys;
  /** What is watched. */
  readonly root: string;
  /** All up to here is known. */
  readonly revision: number;
  /** Whole revisions in order; without events it tells that nothing happened up to `last`. */
  readonly onEvents: (last: number, events: readonly StoreEvent[]) => void;
  /** The watch fell behind compaction: what happened between is lost to it. Gives the revision to go on from. */
  readonly onLost: () => Promise<number>;
  readonly signal: AbortSignal;
}

const retryMs = { first: 100, most: 2000 };

export class EtcdFeed {
  readonly #options: FeedOptions;
  #revision: number;
  #stream: ClientDuplexStream<object, any> | undefined;
  /** Until it breaks off for the first time nothing is known to be wrong. */
  #isConnected = true;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#revision = options.revision;
  }

  /** Until the signal. */
  async run(): Promise<void> {
    const { signal, connection } = this.#options;
    let pauseMs = retryMs.first;
    while (!signal.aborted) {
      const outcome = await this.#follow();
      if (signal.aborted) return;
      if (outcome === 'lost') {
        this.#revision = await this.#options.onLost().catch(() => this.#revision); // lost again then, and asked again
      }
      if (outcome === 'worked') pauseMs = retryMs.first;
      connection.moveOn();
      using pause = linkSignal([signal], pauseMs);
      await new Promise((resolve) => pause.signal.addEventListener('abort', resolve, { once: true }));
      pauseMs = Math.min(2 * pauseMs, retryMs.most);
    }
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Asks etcd to say how far this watch is, though nothing happened to its keys. */
  askProgress(): void {
    this.#stream?.write({ progressRequest: {} });
  }

  #follow(): Promise<'worked' | 'failed' | 'lost'> {
    const { connection, keys, root, signal } = this.#options;
    return new Promise((resolve) => {
      const stream = connection.openWatch();
      let outcome: 'worked' | 'failed' | 'lost' = 'failed';
      const stop = () => stream.cancel();
      const ended = () => {
        signal.removeEventListener('abort', stop);
        if (this.#stream === stream) this.#stream = undefined;
        this.#isConnected = false;
        resolve(outcome);
      };
      signal.addEventListener('abort', stop, { once: true });
      stream.on('error', ended);
      stream.on('end', ended);
      stream.on('data', (response) => {
        if (response.canceled) {
          if (response.compactRevision > 0) outcome = 'lost';
          stream.cancel();
          return;
        }
        if (outcome === 'failed') outcome = 'worked';
        this.#isConnected = true;
        this.#take(response);
      });
      const range = keys.under(root);
      stream.write({
        createRequest: { ...range, startRevision: this.#revision + 1, prevKv: true, progressNotify: true },
      });
      this.#stream = stream;
      if (signal.aborted) stop();
    });
  }

  #take(response: any): void {
    if (response.created) return;
    const events = eventsOf(response.events, this.#options.keys);
    // Without events this is a word on progress: etcd has sent all up to its revision.
    const last = events.length > 0 ? events.at(-1)!.revision : response.header.revision;
    if (last <= this.#revision) return;
    this.#revision = last;
    this.#options.onEvents(last, events);
  }
}

export function eventsOf(events: readonly any[], keys: EtcdKeys): StoreEvent[] {
  return events.map(({ type, kv, prevKv }): StoreEvent => {
    const key = keys.decode(kv.key);
    const revision = kv.modRevision;
    const previous = prevKv ? { previous: prevKv.value } : {};
    return type === eventType.delete
      ? { type: 'delete', key, revision, ...previous }
      : { type: 'put', key, revision, value: kv.value, ...previous };
  });
}
