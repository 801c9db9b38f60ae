import { type KubernetesObject, keyOf } from '../../api/meta/object.ts';
import type { Lister } from '../../reconcile/informer.ts';

/** A cache that shows our own writes before the watch brings them: a volume just given away must not be given again. */
export class WrittenCache<T extends KubernetesObject> {
  readonly #cache: Lister<T>;
  readonly #written = new Map<string, T>();

  constructor(cache: Lister<T>) {
    this.#cache = cache;
  }

  wrote(object: T): T {
    this.#written.set(keyOf(object), object);
    return object;
  }

  forget(object: T): void {
    this.#written.delete(keyOf(object));
  }

  find(key: string): T | undefined {
    const seen = this.#cache.find(key);
    return seen && this.#newest(seen, key);
  }

  byIndex(index: string, value: string): T[] {
    return this.#cache.byIndex(index, value).map((seen) => this.#newest(seen, keyOf(seen)));
  }

  #newest(seen: T, key: string): T {
    const written = this.#written.get(key);
    if (!written) return seen;
    if (versionOf(written) > versionOf(seen)) return written;
    this.#written.delete(key);
    return seen;
  }
}

const versionOf = ({ metadata }: KubernetesObject): bigint => BigInt(metadata.resourceVersion ?? '0');
