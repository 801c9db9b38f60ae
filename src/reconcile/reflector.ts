// List, then watch, for ever: tells a sink what the server holds. A broken watch resumes from the last revision seen;
// one that is too old is listed again. Failures back off with jitter, and the sink is never told of them.
import type { KindRef, KubernetesObject } from '../api/meta/object.ts';
import { isExpired } from '../api/meta/status-error.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Client, ListOptions, ResourceClient } from '../client/client.ts';
import type { InformerOptions } from './informer.ts';

/** What becomes of what was seen. Calls come in order and must not throw. */
export interface ReflectorSink<T> {
  /** A page of a list: these exist now. */
  listed(objects: readonly T[]): void;
  /** The list is complete: whatever was not in it since `listed` was first called is gone. */
  listEnded(): void;
  changed(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  /** Everything up to this version has been told. */
  progressed?(resourceVersion: string): void;
  /** From now on what happens is told as it happens, until the watch breaks off. */
  opened?(nowMs: number): void;
  brokeOff?(nowMs: number): void;
}

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly client: Client;
  readonly kind: KindRef<T>;
  readonly selection?: InformerOptions;
  readonly sink: ReflectorSink<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const pageSize = 500;
const minBackoffMs = 200;
const maxBackoffMs = 30_000;
/** A watch that lasted this long was a good one: the next failure starts with the first delay again. */
const goodWatchMs = 10_000;
const minWatchSeconds = 300;

/** Runs until the signal aborts. */
export async function runReflector<T extends KubernetesObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  await new Reflector(options).run(signal);
}

class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #resource: ResourceClient<T>;
  #resourceVersion = '';
  #failures = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#resource = options.client.resource(options.kind);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      try {
        if (this.#resourceVersion === '') await this.#list(signal);
        if (signal.aborted) return;
        const startedWatchMs = clock.monotonicMs();
        await this.#watch(signal);
        if (clock.monotonicMs() - startedWatchMs > 1000) {
          this.#failures = 0;
          continue;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#note(error);
      }
      if (clock.monotonicMs() - startedMs > goodWatchMs) this.#failures = 0;
      await clock.sleep(this.#nextDelayMs(), signal);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { sink, selection } = this.#options;
    let next: string | undefined;
    do {
      const page: ListOptions = { ...selection, limit: pageSize, signal, ...(next ? { continue: next } : {}) };
      const list = await this.#resource.list(page);
      sink.listed(list.items);
      this.#resourceVersion = '';
      next = list.metadata.continue || undefined;
      if (!next) this.#resourceVersion = list.metadata.resourceVersion ?? '';
    } while (next);
    sink.listEnded();
    sink.progressed?.(this.#resourceVersion);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { sink, selection, random, clock } = this.#options;
    const timeoutSeconds = Math.floor(minWatchSeconds * (1 + random.next()));
    const resourceVersion = this.#resourceVersion;
    const events = this.#resource.watch({
      ...selection,
      resourceVersion,
      allowBookmarks: true,
      timeoutSeconds,
      signal,
      onOpen: () => sink.opened?.(clock.monotonicMs()),
    });
    try {
      for await (const event of events) {
        if (event.type !== 'BOOKMARK') sink.changed(event.type, event.object);
        this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
        sink.progressed?.(this.#resourceVersion);
      }
    } finally {
      sink.brokeOff?.(clock.monotonicMs());
    }
  }

  #note(error: unknown): void {
    const { log, kind } = this.#options;
    if (isExpired(error)) {
      this.#resourceVersion = '';
      log.debug('watch too old, listing again', { resource: kind.plural });
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    const emit = this.#failures > 3 ? log.warn : log.debug;
    emit('list or watch failed', { resource: kind.plural, group: kind.group, problem: message });
  }

  #nextDelayMs(): number {
    const delayMs = Math.min(minBackoffMs * 2 ** this.#failures, maxBackoffMs);
    this.#failures = Math.min(this.#failures + 1, 10);
    return delayMs * (1 + this.#options.random.next());
  }
}
