// What a controller knows of the world: caches that follow watches. Implementation: shared-informer.ts (one list-watch a
// kind and selector, shared by all who ask the same factory).
import type { KindRef, KubernetesObject } from '../api/meta/object.ts';

/** Reads from a cache. Objects are frozen and shared: copy before changing (structuredClone). */
export interface Lister<T extends KubernetesObject> {
  /** By `namespace/name`, or the name of a cluster-scoped object. */
  find(key: string): T | undefined;
  /** All, or those of one namespace. */
  list(namespace?: string): readonly T[];
  /** Objects whose index function gave this value. @throws when the index was not asked for. */
  byIndex(index: string, value: string): readonly T[];
}

export interface ChangeHandler<T> {
  added?(object: T): void;
  updated?(next: T, previous: T): void;
  deleted?(object: T): void;
}

export interface Informer<T extends KubernetesObject> extends Lister<T> {
  readonly hasSynced: boolean;
  /** Everything up to this version of the store is in the cache; empty or absent before the first list. */
  readonly seenVersion?: string;
  /**
   * Since when, in the clock's monotonic milliseconds, it hears what happens as it happens; undefined while it does not.
   * A watch that breaks off and soon goes on has not been away.
   */
  readonly followsSinceMs?: number | undefined;
  /** Handlers are called in order of events, after the cache has changed. They must be quick and must not throw. */
  onChange(handler: ChangeHandler<T>): void;
  /** Adds an index; call before the informer starts. Functions give the values an object is found by. */
  addIndex(name: string, values: (object: T) => readonly string[]): void;
}

export interface InformerOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface InformerFactory {
  /** The same informer for the same kind and options. */
  informer<T extends KubernetesObject>(kind: KindRef<T>, options?: InformerOptions): Informer<T>;
  /** Runs every informer asked for so far and later ones as they are asked for; settles after the abort. */
  run(signal: AbortSignal): Promise<void>;
  /** Settles when all informers asked for so far have their first list. */
  waitForSync(signal: AbortSignal): Promise<void>;
}
