// All objects of one stored resource in memory, in key order, with the recent events for watches that resume.
// Fed by the hub; everything here is synchronous, so a reader always sees one revision.
import type { StoreEvent } from '../../store/store.ts';
import { Bucket } from './bucket.ts';
import type { CacheEvent } from './cache-event.ts';
import { Entry } from './entry.ts';
import { FieldIndex } from './field-index.ts';
import type { StoragePrefix } from './storage-key.ts';
import { WatchGroups } from './watch-groups.ts';

const maxEvents = 10_000;
const maxEventBytes = 32 * 1024 * 1024;

/** Names are ASCII, so that comparing UTF-16 units is comparing bytes. */
const byBytes = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0);

export class ResourceCache {
  readonly prefix: StoragePrefix;
  /** Revision of the last change here. */
  lastChange = 0;
  readonly #buckets = new Map<string, Bucket>();
  #bucketOrder: Bucket[] | undefined;
  #count = 0;
  #bytes = 0;
  #all: readonly Entry[] | undefined;
  /** Changes after `#windowStart`, oldest first. */
  #events: CacheEvent[] = [];
  #eventBytes = 0;
  #windowStart = 0;
  #fresh: CacheEvent[] = [];
  readonly #indexes = new Map<string, FieldIndex>();
  readonly groups = new WatchGroups();

  constructor(prefix: StoragePrefix) {
    this.prefix = prefix;
  }

  get size(): number {
    return this.#count;
  }

  /** Of all objects, as JSON. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  find(namespace: string, name: string): Entry | undefined {
    return this.#buckets.get(namespace)?.entries.get(name);
  }

  /** In key order; a snapshot that later changes do not touch. '' lists all namespaces. */
  list(namespace = ''): readonly Entry[] {
    if (namespace) return this.#buckets.get(namespace)?.sorted() ?? [];
    if (this.#all) return this.#all;
    if (!this.#bucketOrder) {
      const named = [...this.#buckets].sort(([left], [right]) => byBytes(`${left}/`, `${right}/`));
      this.#bucketOrder = named.map(([, bucket]) => bucket);
    }
    const parts = this.#bucketOrder.map((bucket) => bucket.sorted());
    this.#all = parts.length === 1 ? parts[0]! : parts.flat();
    return this.#all;
  }

  hasIndex(field: string): boolean {
    return this.#indexes.has(field);
  }

  /** Objects by a field's value; `labelOf` reads the field, and is the same whenever this is asked. */
  indexOf(field: string, labelOf: (entry: Entry) => string): FieldIndex {
    let index = this.#indexes.get(field);
    if (!index) {
      index = new FieldIndex(labelOf, this.list());
      this.#indexes.set(field, index);
    }
    return index;
  }

  /** An object that was there when the server started. */
  load(key: string, value: Uint8Array, revision: number): void {
    this.#put(new Entry(key, this.prefix.length, value, revision));
    if (revision > this.lastChange) this.lastChange = revision;
  }

  /** Watches can resume from any revision at or after this one. */
  startWindow(revision: number): void {
    this.#windowStart = revision;
  }

  /** Takes an entry as it is: what another cache holds, in another version. */
  put(entry: Entry): void {
    this.#put(entry);
    if (entry.revision > this.lastChange) this.lastChange = entry.revision;
  }

  apply(event: StoreEvent): void {
    const prefixLength = this.prefix.length;
    const current = event.value ? new Entry(event.key, prefixLength, event.value, event.revision) : undefined;
    this.change(event.revision, current, current ?? placeOf(event.key, prefixLength));
  }

  /** `current` is absent for a deletion at `place`. */
  change(revision: number, current: Entry | undefined, place: { namespace: string; name: string }): void {
    const previous = this.find(place.namespace, place.name);
    if (current) this.#put(current);
    else if (previous) this.#remove(previous);
    else return;
    this.lastChange = revision;
    let gone: Entry | undefined;
    const record: CacheEvent = {
      revision,
      current,
      previous,
      gone: () => {
        gone ??= previous!.at(revision);
        return gone;
      },
      frames: new Map(),
    };
    this.#remember(record);
    this.groups.offer(record);
    this.#fresh.push(record);
  }

  /** Hands a batch on to the watchers. Encoded forms have done their work then: a rare replay encodes again. */
  flush(): void {
    this.groups.flush();
    for (const event of this.#fresh) {
      event.frames.clear();
      event.previous?.retire();
    }
    this.#fresh = [];
  }

  /** Ends all watches; clients begin again. */
  endWatches(): void {
    this.groups.end();
  }

  /** Changes after `revision`, or undefined when some of them are forgotten. */
  eventsAfter(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.#windowStart) return undefined;
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  get windowStart(): number {
    return this.#windowStart;
  }

  #put(entry: Entry): void {
    let bucket = this.#buckets.get(entry.namespace);
    if (!bucket) {
      bucket = new Bucket();
      this.#buckets.set(entry.namespace, bucket);
      this.#bucketOrder = undefined;
    }
    const previous = bucket.entries.get(entry.name);
    if (!previous) this.#count++;
    this.#bytes += entry.json.length - (previous?.json.length ?? 0);
    bucket.set(entry);
    for (const index of this.#indexes.values()) {
      if (previous) index.remove(previous);
      index.add(entry);
    }
    this.#all = undefined;
  }

  #remove(entry: Entry): void {
    const bucket = this.#buckets.get(entry.namespace);
    if (!bucket) return;
    bucket.delete(entry.name);
    for (const index of this.#indexes.values()) index.remove(entry);
    this.#count--;
    this.#bytes -= entry.json.length;
    if (bucket.entries.size === 0) {
      this.#buckets.delete(entry.namespace);
      this.#bucketOrder = undefined;
    }
    this.#all = undefined;
  }

  #remember(event: CacheEvent): void {
    this.#events.push(event);
    this.#eventBytes += sizeOf(event);
    if (this.#events.length <= maxEvents && this.#eventBytes <= maxEventBytes) return;
    // A quarter goes at once, so that the cost of shifting is shared by many events.
    this.forget(Math.max(1, this.#events.length >>> 2));
  }

  /** Drops the oldest events. */
  forget(count: number): void {
    const dropped = this.#events.splice(0, count);
    for (const event of dropped) this.#eventBytes -= sizeOf(event);
    const last = dropped.at(-1);
    if (last) this.#windowStart = Math.max(this.#windowStart, last.revision);
  }

  /** Drops events up to a revision that has grown old; keeps the encoded forms of none. */
  forgetUpTo(revision: number): void {
    let count = 0;
    while (count < this.#events.length && this.#events[count]!.revision <= revision) count++;
    if (count > 0) this.forget(count);
  }
}

function sizeOf(event: CacheEvent): number {
  return (event.current?.json.length ?? event.previous?.json.length ?? 0) + 200;
}

function placeOf(key: string, prefixLength: number): { namespace: string; name: string } {
  const tail = key.slice(prefixLength);
  const slash = tail.indexOf('/');
  return slash < 0 ? { namespace: '', name: tail } : { namespace: tail.slice(0, slash), name: tail.slice(slash + 1) };
}
