// Informers that a test fills by hand.
import { type KindRef, type KubernetesObject, keyOf } from '../../api/meta/object.ts';
import { IndexBy } from '../../reconcile/index-by.ts';
import type { ChangeHandler, Informer, InformerFactory, InformerOptions } from '../../reconcile/informer.ts';

export class FakeInformer<T extends KubernetesObject> implements Informer<T> {
  readonly hasSynced = true;
  readonly #objects = new Map<string, T>();
  readonly #handlers: ChangeHandler<T>[] = [];
  readonly #indexes = new Map<string, IndexBy<T>>();

  find(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    return [...this.#objects.values()].filter(({ metadata }) => !namespace || metadata.namespace === namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    const known = this.#indexes.get(index);
    if (!known) throw new Error(`no index "${index}"`);
    return known.get(value);
  }

  onChange(handler: ChangeHandler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#objects.values()) handler.added?.(object);
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    const index = new IndexBy(values);
    for (const [key, object] of this.#objects) index.put(key, object, undefined);
    this.#indexes.set(name, index);
  }

  /** What a watch would bring: an object new or changed. */
  put(object: T): void {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.put(key, object, previous);
    for (const handler of this.#handlers) {
      if (previous) handler.updated?.(object, previous);
      else handler.added?.(object);
    }
  }

  remove(key: string): void {
    const object = this.#objects.get(key);
    if (!object) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.put(key, undefined, object);
    for (const handler of this.#handlers) handler.deleted?.(object);
  }
}

export class FakeInformerFactory implements InformerFactory {
  readonly #informers = new Map<string, FakeInformer<KubernetesObject>>();

  informer<T extends KubernetesObject>(kind: KindRef<T>, _options?: InformerOptions): FakeInformer<T> {
    const key = `${kind.group}/${kind.plural}`;
    const found = this.#informers.get(key) ?? new FakeInformer<KubernetesObject>();
    this.#informers.set(key, found);
    return found as unknown as FakeInformer<T>;
  }

  run(): Promise<void> {
    return Promise.resolve();
  }

  waitForSync(): Promise<void> {
    return Promise.resolve();
  }
}
