// A cache that follows a watch. It holds each object once, frozen, without managedFields, which no controller reads and
// which often are the larger half.
import type { ObjectMeta } from '../../generated/meta-v1.ts';
import { type KubernetesObject, keyOf } from '../api/meta/object.ts';
import type { Logger } from '../base/log.ts';
import { deepFreeze } from './deep-freeze.ts';
import { IndexBy } from './index-by.ts';
import type { ChangeHandler, Informer } from './informer.ts';
import type { ReflectorSink } from './reflector.ts';

const namespaceIndex = 'namespace';
/** Watches end now and then and go on at once. */
const shortGapMs = 5_000;

export class SharedInformer<T extends KubernetesObject> implements Informer<T>, ReflectorSink<T> {
  readonly #log: Logger;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, IndexBy<T>>();
  readonly #handlers: ChangeHandler<T>[] = [];
  #listedKeys: Set<string> | undefined;
  #hasSynced = false;
  #syncWaiters: (() => void)[] = [];
  #openedMs: number | undefined;
  #brokeOffMs: number | undefined;
  #isOpen = false;
  seenVersion = '';

  constructor(log: Logger) {
    this.#log = log;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get followsSinceMs(): number | undefined {
    return this.#isOpen ? this.#openedMs : undefined;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Settles with the first complete list. */
  synced(): Promise<void> {
    if (this.#hasSynced) return Promise.resolve();
    return new Promise((resolve) => this.#syncWaiters.push(resolve));
  }

  find(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    if (!namespace) return [...this.#objects.values()];
    // Made when somebody asks: kinds that are never listed by namespace do not pay for it.
    if (!this.#indexes.has(namespaceIndex))
      this.addIndex(namespaceIndex, (object) => [object.metadata.namespace ?? '']);
    return this.byIndex(namespaceIndex, namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    const known = this.#indexes.get(index);
    if (!known) throw new Error(`index "${index}" was not asked for`);
    return known.get(value);
  }

  onChange(handler: ChangeHandler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#objects.values()) this.#tell(() => handler.added?.(object));
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return;
    const index = new IndexBy(values);
    for (const [key, object] of this.#objects) index.put(key, object, undefined);
    this.#indexes.set(name, index);
  }

  listed(objects: readonly T[]): void {
    this.#listedKeys ??= new Set();
    for (const object of objects) {
      this.#listedKeys.add(keyOf(object));
      this.#put(object);
    }
  }

  listEnded(): void {
    const seen = this.#listedKeys ?? new Set();
    this.#listedKeys = undefined;
    for (const [key, object] of this.#objects) if (!seen.has(key)) this.#remove(key, object);
    this.#hasSynced = true;
    for (const resolve of this.#syncWaiters.splice(0)) resolve();
  }

  changed(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    if (type === 'DELETED') this.#remove(keyOf(object), object);
    else this.#put(object);
  }

  progressed(resourceVersion: string): void {
    this.seenVersion = resourceVersion;
  }

  opened(nowMs: number): void {
    this.#isOpen = true;
    if (this.#brokeOffMs === undefined || nowMs - this.#brokeOffMs > shortGapMs) this.#openedMs = nowMs;
  }

  brokeOff(nowMs: number): void {
    if (this.#isOpen) this.#brokeOffMs = nowMs;
    this.#isOpen = false;
  }

  #put(object: T): void {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous && previous.metadata.resourceVersion === object.metadata.resourceVersion) return;
    slim(object);
    // Another uid under the same name: the old one was deleted while nobody looked.
    if (previous && previous.metadata.uid !== object.metadata.uid) {
      this.#remove(key, previous);
      this.#store(key, object, undefined);
      return;
    }
    this.#store(key, object, previous);
  }

  #store(key: string, object: T, previous: T | undefined): void {
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.put(key, object, previous);
    for (const handler of this.#handlers) {
      this.#tell(() => (previous ? handler.updated?.(object, previous) : handler.added?.(object)));
    }
  }

  #remove(key: string, last: T): void {
    const previous = this.#objects.get(key);
    if (!previous) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.put(key, undefined, previous);
    slim(last);
    for (const handler of this.#handlers) this.#tell(() => handler.deleted?.(last));
  }

  /** A handler that throws is a bug of its controller; the others still hear. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error('informer handler failed', error);
    }
  }
}

function slim(object: KubernetesObject): void {
  if (Object.isFrozen(object)) return;
  // Not deleted: what has lost a key is kept as a hash table, which takes a kilobyte and is slow to read.
  const { managedFields: _, ...metadata } = object.metadata;
  (object as { metadata: ObjectMeta }).metadata = metadata;
  deepFreeze(object);
}
