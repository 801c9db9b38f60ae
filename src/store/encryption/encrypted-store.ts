// A store above another: values of some resources are sealed below it and plain above it. What is not encrypted passes
// through untouched.
import {
  CompareFailedError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoredValue,
  type StoreEvent,
  type WatchOptions,
  type Write,
} from '../store.ts';
import { isSealed, type Opened, type Sealer } from './sealer.ts';

export interface KeyPlace {
  readonly group: string;
  readonly resource: string;
}

export interface EncryptedStoreOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  /** Whose value a key holds; undefined: nobody's that is ever encrypted. */
  readonly placeOf: (key: string) => KeyPlace | undefined;
}

interface Openable {
  readonly key: string;
  readonly value?: Uint8Array;
  readonly previous?: Uint8Array;
}

const pageRows = 500;

export class EncryptedStore implements Store {
  readonly #store: Store;
  readonly #placeOf: EncryptedStoreOptions['placeOf'];
  #sealer: Sealer;
  /** Those before it, for what was under way when it came. */
  readonly #retired = new Set<Sealer>();
  /** Values seen that the first provider would write otherwise today. */
  #staleSeen = 0;
  #lastSizeBytes: number | undefined;

  constructor({ store, sealer, placeOf }: EncryptedStoreOptions) {
    this.#store = store;
    this.#sealer = sealer;
    this.#placeOf = placeOf;
  }

  get sealer(): Sealer {
    return this.#sealer;
  }

  /**
   * Writes from now on are sealed as this one says; it must be able to open what is there.
   * @returns lets go of the one before, once nothing is under way that was sealed by it
   */
  use(sealer: Sealer): () => void {
    const before = this.#sealer;
    this.#sealer = sealer;
    this.#retired.add(before);
    return () => {
      if (this.#retired.delete(before)) before.close();
    };
  }

  /** Whether another sealer could open all that is stored below `prefix`. @throws UnreadableValueError */
  async verify(sealer: Sealer, prefix: string, signal?: AbortSignal): Promise<void> {
    for await (const items of this.#pages(prefix, signal)) {
      for (const { key, value } of items) {
        const place = this.#placeOf(key);
        if (!place) continue;
        await sealer.prepare(place.group, place.resource, key, value);
        sealer.open(place.group, place.resource, key, value);
      }
    }
  }

  get staleSeen(): number {
    return this.#staleSeen;
  }

  get revision(): number {
    return this.#store.revision;
  }

  get compactedRevision(): number {
    return this.#store.compactedRevision;
  }

  get problem(): string | undefined {
    return this.#store.problem;
  }

  get quotaBytes(): number | undefined {
    return this.#store.quotaBytes;
  }

  get expiresKeys(): boolean {
    return this.#store.expiresKeys === true;
  }

  get head(): (() => Promise<number>) | undefined {
    const { head } = this.#store;
    return head && (() => head.call(this.#store));
  }

  get claimCompaction(): ((revision: number) => Promise<boolean>) | undefined {
    const { claimCompaction } = this.#store;
    return claimCompaction && ((revision) => claimCompaction.call(this.#store, revision));
  }

  async get(key: string, revision?: number): Promise<StoredValue | undefined> {
    const stored = await this.#store.get(key, revision);
    if (stored) await this.#prepared([stored]);
    return stored && this.#openStored(stored);
  }

  async range(options: RangeOptions): Promise<RangeResult> {
    const result = await this.#store.range(options);
    await this.#prepared(result.items);
    for (const [index, item] of result.items.entries()) {
      const opened = this.#openStored(item);
      if (opened !== item) result.items[index] = opened;
    }
    return result;
  }

  commit(writes: readonly Write[]): Promise<{ revision: number }> {
    let sealed: Write[] | undefined;
    for (const [index, write] of writes.entries()) {
      const value = write.value && this.#seal(write.key, write.value);
      if (!value || value === write.value) continue;
      sealed ??= [...writes];
      sealed[index] = { ...write, value };
    }
    return this.#store.commit(sealed ?? writes).catch(async (error) => {
      if (error instanceof CompareFailedError && error.current) {
        await this.#prepared([error.current]);
        const { key } = error.current;
        throw new CompareFailedError(key, this.#openStored(error.current));
      }
      throw error;
    });
  }

  watch(options: WatchOptions): AsyncIterable<readonly StoreEvent[]> {
    const source = this.#store.watch(options);
    const openBatch = (batch: readonly StoreEvent[]) =>
      batch.some((event) => this.#mayBeSealed(event)) ? batch.map((event) => this.#openEvent(event)) : batch;
    const prepare = (batch: readonly StoreEvent[]) => this.#prepared(batch);
    return {
      [Symbol.asyncIterator]() {
        const reader = source[Symbol.asyncIterator]();
        return {
          async next() {
            const step = await reader.next();
            if (step.done) return step;
            // Watchers hear of a write before its writer: they wait only where there is something to wait for.
            const wait = prepare(step.value);
            if (wait) await wait;
            return { done: false, value: openBatch(step.value) };
          },
          return: async () => (await reader.return?.()) ?? { done: true, value: undefined },
        };
      },
    };
  }

  compact(revision: number): Promise<void> {
    return this.#store.compact(revision);
  }

  async sizeBytes(): Promise<number> {
    this.#lastSizeBytes = await this.#store.sizeBytes();
    return this.#lastSizeBytes;
  }

  get lastSizeBytes(): number | undefined {
    return this.#lastSizeBytes;
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    for (const sealer of [this.#sealer, ...this.#retired]) sealer.close();
    return this.#store[Symbol.asyncDispose]();
  }

  /** Whether the value would be written otherwise today: by another key, or not plain. */
  async isStale(key: string): Promise<boolean> {
    const place = this.#placeOf(key);
    if (!place) return false;
    const stored = await this.#store.get(key);
    if (stored) await this.#prepared([stored]);
    return stored !== undefined && this.#open(key, stored.value).isStale;
  }

  /** Writes every stale value below `prefix` again; values that change meanwhile are written by whoever changes them. */
  async rewrite(prefix: string, signal?: AbortSignal): Promise<{ examined: number; rewritten: number }> {
    let examined = 0;
    let rewritten = 0;
    for await (const items of this.#pages(prefix, signal)) {
      examined += items.length;
      await this.#prepared(items);
      const stale = items.filter((item) => this.#open(item.key, item.value).isStale);
      const outcomes = await Promise.all(stale.map((item) => this.#rewriteOne(item)));
      rewritten += outcomes.filter(Boolean).length;
    }
    return { examined, rewritten };
  }

  async *#pages(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<readonly StoredValue[]> {
    let after: string | undefined;
    while (!signal?.aborted) {
      const options = { prefix, limit: pageRows, ...(after === undefined ? {} : { after }) };
      const { items, remaining } = await this.#store.range(options);
      yield items;
      if (remaining === 0) return;
      after = items.at(-1)!.key;
    }
  }

  async #rewriteOne({ key, value, modRevision }: StoredValue): Promise<boolean> {
    const plain = this.#open(key, value).value;
    try {
      await this.commit([{ key, value: plain, ifRevision: modRevision }]);
      return true;
    } catch (error) {
      if (error instanceof CompareFailedError) return false; // written anew meanwhile, and so sealed anew
      throw error;
    }
  }

  #seal(key: string, value: Uint8Array): Uint8Array {
    const place = this.#placeOf(key);
    return place ? this.#sealer.seal(place.group, place.resource, key, value) : value;
  }

  #open(key: string, value: Uint8Array): Opened {
    const place = this.#placeOf(key);
    if (!place) return { value, isStale: false };
    const sealer = this.#readerOf(place, value);
    const opened = sealer.open(place.group, place.resource, key, value);
    return sealer === this.#sealer ? opened : { ...opened, isStale: true };
  }

  /** Written just before the keys changed: one of those before knows it. */
  #readerOf({ group, resource }: KeyPlace, stored: Uint8Array): Sealer {
    if (this.#retired.size === 0 || this.#sealer.knows(group, resource, stored)) return this.#sealer;
    return [...this.#retired].findLast((each) => each.knows(group, resource, stored)) ?? this.#sealer;
  }

  /** Before anything is opened. Undefined: it may be opened at once. */
  #prepared(all: readonly Openable[]): Promise<void> | undefined {
    const wait = this.#prepare(all);
    if (!wait) return undefined;
    const sealer = this.#sealer;
    // Keys that changed meanwhile have not been asked for.
    return wait.then(() => (sealer === this.#sealer ? undefined : this.#prepared(all)));
  }

  /** What a key service must be asked first. */
  #prepare(all: readonly Openable[]): Promise<unknown> | undefined {
    const waits: Promise<void>[] = [];
    for (const { key, value, previous } of all) {
      for (const stored of [value, previous]) {
        if (!stored || !isSealed(stored)) continue;
        const place = this.#placeOf(key);
        const wait = place && this.#readerOf(place, stored).prepare(place.group, place.resource, key, stored);
        if (wait) waits.push(wait);
      }
    }
    return waits.length > 0 ? Promise.all(waits) : undefined;
  }

  #openStored(stored: StoredValue): StoredValue {
    const { value, isStale } = this.#open(stored.key, stored.value);
    if (isStale) this.#staleSeen++;
    return value === stored.value ? stored : { ...stored, value };
  }

  #mayBeSealed({ value, previous }: StoreEvent): boolean {
    return (value !== undefined && isSealed(value)) || (previous !== undefined && isSealed(previous));
  }

  #openEvent(event: StoreEvent): StoreEvent {
    if (!this.#mayBeSealed(event)) return event;
    const { key, value, previous } = event;
    return {
      ...event,
      ...(value ? { value: this.#open(key, value).value } : {}),
      ...(previous ? { previous: this.#open(key, previous).value } : {}),
    };
  }
}
