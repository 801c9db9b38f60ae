// The objects of a custom resource as one of its versions shows them, where a webhook converts: a second cache, filled from
// the first when somebody looks. Everything behind `registry.cacheOf` works with it as with any other.
import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import { StatusError } from '../../api/meta/status-error.ts';
import type { ConvertibleObject, ObjectConversion, ResourceInfo } from '../../api/resource-info.ts';
import type { CacheEvent } from './cache-event.ts';
import type { CacheHead, CacheHub } from './cache-hub.ts';
import { Entry } from './entry.ts';
import { onChange } from './on-change.ts';
import { ResourceCache } from './resource-cache.ts';

/** What one call of the webhook carries at most. */
const batchObjects = 10_000;
const batchBytes = 8 << 20;

export class VersionView implements CacheHead {
  cache: ResourceCache;
  readonly #hub: CacheHub;
  readonly #source: ResourceCache;
  readonly #conversion: ObjectConversion;
  readonly #apiVersion: string;
  readonly #subscription: Disposable;
  #revision = -1;
  #running: Promise<void> | undefined;

  constructor(hub: CacheHub, source: ResourceCache, resource: ResourceInfo, conversion: ObjectConversion) {
    this.#hub = hub;
    this.#source = source;
    this.#conversion = conversion;
    this.#apiVersion = apiVersionOf(resource);
    this.cache = this.#newCache();
    this.#subscription = onChange(source, () => this.#follow());
  }

  #newCache(): ResourceCache {
    const cache = new ResourceCache(this.#source.prefix);
    cache.groups.onJoin = () => this.#follow();
    return cache;
  }

  get revision(): number {
    return this.#revision;
  }

  close(): void {
    this.#subscription[Symbol.dispose]();
    this.cache.endWatches();
  }

  waitFor(revision: number, signal?: AbortSignal): Promise<void> | undefined {
    if (revision <= this.#revision) return undefined;
    return this.#reach(this.#hub.waitFor(revision, signal), () => revision);
  }

  waitForHead(signal?: AbortSignal): Promise<void> | undefined {
    const waiting = this.#hub.waitForHead(signal);
    if (!waiting && this.#isCurrent()) return undefined;
    return this.#reach(waiting, () => this.#hub.revision);
  }

  async #reach(waiting: Promise<void> | undefined, wanted: () => number): Promise<void> {
    if (waiting) await waiting;
    const revision = Math.min(wanted(), this.#hub.revision);
    while (this.#revision < revision && !this.#isCurrent()) await this.#catchUp();
  }

  /** Nothing happened to these objects since: then this is as new as the hub. */
  #isCurrent(): boolean {
    if (this.#revision < 0 || this.#source.lastChange > this.#revision) return false;
    this.#revision = this.#hub.revision;
    return true;
  }

  /** Watchers wait for changes; without any, nothing is converted until somebody reads. */
  #follow(): void {
    if (this.cache.groups.isEmpty || this.#isCurrent()) return;
    this.#catchUp().catch((error) => {
      if (error instanceof StatusError) this.cache.groups.fail(error.status);
      else this.cache.endWatches();
    });
  }

  /** To where the source is when this begins, at least once; callers share it. */
  #catchUp(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    // What comes in meanwhile is the next round's: watchers must not be left waiting for a further change.
    do {
      const events = this.#revision < 0 ? undefined : this.#source.eventsAfter(this.#revision);
      const revision = this.#hub.revision;
      if (events) await this.#apply(events, revision);
      else await this.#load(revision);
    } while (!this.cache.groups.isEmpty && this.#source.lastChange > this.#revision);
  }

  async #load(revision: number): Promise<void> {
    const shown = await this.shown(this.#source.list());
    const cache = this.#newCache();
    for (const entry of shown) cache.put(entry);
    cache.startWindow(revision);
    const before = this.cache;
    this.cache = cache;
    this.#revision = revision;
    before.endWatches();
  }

  async #apply(events: readonly CacheEvent[], revision: number): Promise<void> {
    const { cache } = this;
    const shown = await this.shown(events.flatMap(({ current }) => current ?? []));
    let next = 0;
    for (const event of events) {
      const current = event.current ? shown[next++] : undefined;
      cache.change(event.revision, current, event.current ?? event.previous!);
    }
    this.#revision = revision;
    cache.flush();
  }

  /** The same objects in this version. Those that are in it already are the same entries. */
  async shown(entries: readonly Entry[]): Promise<readonly Entry[]> {
    const result = entries.map((entry) => this.#asStored(entry));
    const others = result.flatMap((entry, index) => (versionIn(entry) === this.#apiVersion ? [] : index));
    for (const batch of batches(others, (index) => result[index]!.json.length)) {
      const objects = batch.map((index) => convertible(result[index]!));
      const converted = await this.#conversion.convert(objects, this.#apiVersion);
      for (const [at, index] of batch.entries()) result[index] = this.#entryOf(entries[index]!, converted[at]!);
    }
    return result;
  }

  /** Read from the store: defaults that its version has got since are there. */
  #asStored(entry: Entry): Entry {
    const defaulted = this.#conversion.defaulted(entry.json);
    return defaulted ? this.#entryOf(entry, defaulted) : entry;
  }

  #entryOf({ key, revision }: Entry, object: KubernetesObject): Entry {
    delete object.metadata.resourceVersion;
    return new Entry(key, this.#source.prefix.length, Buffer.from(JSON.stringify(object)), revision);
  }
}

const convertible = (entry: Entry): ConvertibleObject => ({
  apiVersion: versionIn(entry),
  json: entry.stored(),
  metadata() {
    const metadata = entry.metadata();
    delete metadata.resourceVersion;
    return metadata;
  },
});

/** Custom resources begin with it. */
function versionIn({ json }: Entry): string {
  const head = json.toString('latin1', 0, 400);
  return /^\{"apiVersion":"([^"\\]*)"/.exec(head)?.[1] ?? '';
}

function* batches(indexes: readonly number[], sizeOf: (index: number) => number): Generator<readonly number[]> {
  let batch: number[] = [];
  let size = 0;
  for (const index of indexes) {
    const bytes = sizeOf(index);
    if (batch.length > 0 && (size + bytes > batchBytes || batch.length === batchObjects)) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(index);
    size += bytes;
  }
  if (batch.length > 0) yield batch;
}
