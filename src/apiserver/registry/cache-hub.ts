// One watch on the store feeds every resource's cache, so that all caches stand at one revision.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { CompactedError, type Store, UnavailableError } from '../../store/store.ts';
import { reloadCaches } from './reload-caches.ts';
import { ResourceCache } from './resource-cache.ts';
import { prefixOfKey, registryRoot, type StoragePrefix } from './storage-key.ts';

// Each page counts what is left, which takes as long as reading it: few pages.
const loadPage = 25_000;
const retryMs = 1000;

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
}

/** How far a cache is. Waiting gives undefined where there is nothing to wait for; an abort ends it without an error. */
export interface CacheHead {
  readonly revision: number;
  waitFor(revision: number, signal?: AbortSignal): Promise<void> | undefined;
  /** For all that the store has acknowledged. */
  waitForHead(signal?: AbortSignal): Promise<void> | undefined;
}

export class CacheHub implements CacheHead {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #caches = new Map<StoragePrefix, ResourceCache>();
  #revision = 0;
  #startRevision = 0;
  #waiters: Waiter[] = [];
  #hasEnded = false;

  constructor(store: Store, log: Logger, clock: Clock) {
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
  }

  /** The revision all caches stand at. */
  get revision(): number {
    return this.#revision;
  }

  cache(prefix: StoragePrefix): ResourceCache {
    let cache = this.#caches.get(prefix);
    if (!cache) {
      cache = new ResourceCache(prefix);
      cache.startWindow(this.#startRevision);
      this.#caches.set(prefix, cache);
    }
    return cache;
  }

  caches(): Iterable<ResourceCache> {
    return this.#caches.values();
  }

  /** Reads everything at one revision, page by page. */
  async load(): Promise<void> {
    let after: string | undefined;
    let revision: number | undefined;
    for (;;) {
      const page = await this.#store.range({
        prefix: registryRoot,
        limit: loadPage,
        skipsCount: true,
        ...(after === undefined ? {} : { after }),
        ...(revision === undefined ? {} : { revision }),
      });
      revision ??= page.revision;
      for (const item of page.items) {
        const prefix = prefixOfKey(item.key);
        if (prefix) this.cache(prefix).load(item.key, item.value, item.modRevision);
      }
      if (page.items.length < loadPage) break;
      after = page.items.at(-1)!.key;
    }
    this.#startRevision = revision;
    for (const cache of this.#caches.values()) cache.startWindow(revision);
    this.#revision = revision;
  }

  /** Follows the store until the signal; a failure of the watch is fatal, since reads would grow stale. */
  async follow(signal: AbortSignal): Promise<void> {
    try {
      await this.#followAlways(signal);
    } finally {
      // The caches go no further: whoever waits for that would wait for ever.
      this.#hasEnded = true;
      for (const waiter of this.#waiters.splice(0)) waiter.resolve();
    }
  }

  async #followAlways(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#followOnce(signal);
        return;
      } catch (error) {
        if (!(error instanceof CompactedError) || signal.aborted) throw error;
        this.#log.warn('the watch on the store fell behind its history; everything is read again', {});
        await this.#reload(signal);
      }
    }
  }

  /** For as long as the store is away: nothing is served as new meanwhile. */
  async #reload(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        const cacheOf = (prefix: StoragePrefix) => this.cache(prefix);
        return await reloadCaches(this.#store, cacheOf, this.#caches, (at) => this.#advance(at));
      } catch (error) {
        if (!(error instanceof UnavailableError) || signal.aborted) throw error;
        await this.#clock.sleep(retryMs, signal);
      }
    }
  }

  async #followOnce(signal: AbortSignal): Promise<void> {
    const batches = this.#store.watch({
      prefix: registryRoot,
      fromRevision: this.#revision + 1,
      // Revisions that are nothing to any cache: whoever waits for one need not wait.
      onProgress: (revision) => this.#advance(revision),
      signal,
    });
    for await (const batch of batches) {
      const touched = new Set<ResourceCache>();
      for (const event of batch) {
        const prefix = prefixOfKey(event.key);
        if (!prefix) continue;
        const cache = this.cache(prefix);
        try {
          cache.apply(event);
        } catch (error) {
          this.#log.error('a stored object could not be taken into its cache', error, { key: event.key });
        }
        touched.add(cache);
      }
      const last = batch.at(-1);
      if (last) this.#advance(last.revision);
      for (const cache of touched) cache.flush();
    }
  }

  #advance(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    if (this.#waiters.length === 0) return;
    const due = this.#waiters.filter((waiter) => waiter.revision <= revision);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of due) waiter.resolve();
  }

  /** Undefined when the caches are there already; else settles when they are, or when the signal aborts. */
  waitFor(revision: number, signal?: AbortSignal): Promise<void> | undefined {
    if (revision <= this.#revision || this.#hasEnded || signal?.aborted) return undefined;
    return new Promise((resolve) => {
      const waiter: Waiter = {
        revision,
        resolve: () => {
          signal?.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      const giveUp = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve();
      };
      this.#waiters.push(waiter);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  /**
   * For reads without a resourceVersion: the caches have reached all that anybody was acknowledged. Where others write to
   * the same store, it is asked.
   */
  waitForHead(signal?: AbortSignal): Promise<void> | undefined {
    const { head } = this.#store;
    return head ? this.#waitForSharedHead(head, signal) : this.waitFor(this.#store.revision, signal);
  }

  /** Others write to the same store: what the caches hold may be old. */
  get isShared(): boolean {
    return this.#store.head !== undefined;
  }

  async #waitForSharedHead(head: () => Promise<number>, signal: AbortSignal | undefined): Promise<void> {
    await this.waitFor(await head.call(this.#store), signal);
  }
}
