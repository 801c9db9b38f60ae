// Everything handlers need to reach stored objects: caches, the store, the served resources.
import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Store } from '../../store/store.ts';
import type { CacheHead, CacheHub } from './cache-hub.ts';
import type { Entry } from './entry.ts';
import type { ObjectIndex, ObjectReader } from './object-reader.ts';
import type { ResourceCache } from './resource-cache.ts';
import type { ResourceTable } from './resource-table.ts';
import { resourcePrefix } from './storage-key.ts';
import { VersionView } from './version-view.ts';

export class Registry implements ObjectReader {
  readonly store: Store;
  readonly hub: CacheHub;
  readonly table: ResourceTable;
  /** How long Events are kept after they were last written. */
  readonly eventTtlSeconds: number;
  readonly #caches = new WeakMap<ResourceInfo['storage'], ResourceCache>();
  readonly #views = new WeakMap<ResourceInfo['storage'], VersionView>();
  readonly #byKind = new WeakMap<KindRef<any>, ResourceCache>();

  constructor(store: Store, hub: CacheHub, table: ResourceTable, eventTtlMs = 3600_000) {
    this.store = store;
    this.hub = hub;
    this.table = table;
    this.eventTtlSeconds = Math.ceil(eventTtlMs / 1000);
  }

  /** Of the resource in its version. What that cache holds is as new as `headOf` says. */
  cacheOf(resource: ResourceInfo): ResourceCache {
    return this.#viewOf(resource)?.cache ?? this.sourceOf(resource);
  }

  /** How far `cacheOf` is, and waiting for it. */
  headOf(resource: ResourceInfo): CacheHead {
    return this.#viewOf(resource) ?? this.hub;
  }

  /** Entries of the store as the resource's version shows them. */
  shown(resource: ResourceInfo, entries: readonly Entry[]): Promise<readonly Entry[]> | readonly Entry[] {
    return this.#viewOf(resource)?.shown(entries) ?? entries;
  }

  /** Its definition is not served any longer, or not as it was. */
  endWatches(resource: ResourceInfo): void {
    this.sourceOf(resource).endWatches();
    const view = this.#views.get(resource.storage);
    view?.close();
    this.#views.delete(resource.storage);
  }

  #viewOf(resource: ResourceInfo): VersionView | undefined {
    const conversion = resource.custom?.conversion;
    if (!conversion) return undefined;
    let view = this.#views.get(resource.storage);
    if (!view) {
      view = new VersionView(this.hub, this.sourceOf(resource), resource, conversion);
      this.#views.set(resource.storage, view);
    }
    return view;
  }

  /** In the version in which objects are stored. */
  sourceOf(resource: ResourceInfo): ResourceCache {
    let cache = this.#caches.get(resource.storage);
    if (!cache) {
      cache = this.hub.cache(resourcePrefix(resource.storage));
      this.#caches.set(resource.storage, cache);
    }
    return cache;
  }

  find<T extends KubernetesObject>(kind: KindRef<T>, namespace: string, name: string): T | undefined {
    return this.#cacheOfKind(kind).find(namespace, name)?.object as T | undefined;
  }

  list<T extends KubernetesObject>(kind: KindRef<T>, namespace = ''): readonly T[] {
    return this.#cacheOfKind(kind)
      .list(namespace)
      .map((entry) => entry.object as T);
  }

  rows<T extends KubernetesObject, Row>(kind: KindRef<T>, index: ObjectIndex<T, Row>, key: string): readonly Row[] {
    const { name } = index;
    const resource = this.table.stored(kind.group, kind.plural);
    const isField = resource?.selectableFields.includes(name);
    const found = this.#cacheOfKind(kind).indexOf(name, (entry) =>
      isField
        ? (entry.fieldLabels(resource!)[name] ?? '')
        : entry.memo(`key ${name}`, () => index.keyOf(entry.peekUnmanaged() as T)),
    );
    const rowOf = (entry: Entry) => entry.memo(`row ${name}`, () => index.rowOf(entry.peekUnmanaged() as T));
    return Array.from(found.unsorted(key), rowOf);
  }

  changedAt(kind: KindRef<any>): number {
    return this.#cacheOfKind(kind).lastChange;
  }

  #cacheOfKind(kind: KindRef<any>): ResourceCache {
    let cache = this.#byKind.get(kind);
    if (!cache) {
      cache = this.hub.cache(resourcePrefix(kind));
      this.#byKind.set(kind, cache);
    }
    return cache;
  }
}
