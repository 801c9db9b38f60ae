/** Objects by the values an index function gives them. */
export class IndexBy<T> {
  readonly #values: (object: T) => readonly string[];
  readonly #buckets = new Map<string, Map<string, T>>();

  constructor(values: (object: T) => readonly string[]) {
    this.#values = values;
  }

  put(key: string, next: T | undefined, previous: T | undefined): void {
    if (previous !== undefined) {
      for (const value of this.#values(previous)) {
        const bucket = this.#buckets.get(value);
        if (bucket?.delete(key) && bucket.size === 0) this.#buckets.delete(value);
      }
    }
    if (next === undefined) return;
    for (const value of this.#values(next)) {
      const bucket = this.#buckets.get(value);
      if (bucket) bucket.set(key, next);
      else this.#buckets.set(value, new Map([[key, next]]));
    }
  }

  get(value: string): T[] {
    const bucket = this.#buckets.get(value);
    return bucket ? [...bucket.values()] : [];
  }
}
