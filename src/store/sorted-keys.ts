/** Strings in code-unit order, for scans by prefix. Removal and insertion move what follows: cheap up to some 100,000. */
export class SortedKeys {
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }

  add(key: string): void {
    const at = this.#position(key);
    if (this.#keys[at] !== key) this.#keys.splice(at, 0, key);
  }

  delete(key: string): void {
    const at = this.#position(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** Keys that start with `prefix` and come after `after`, in order. */
  *under(prefix: string, after = ''): Generator<string> {
    let at = this.#position(after > prefix ? after : prefix);
    if (this.#keys[at] === after) at++;
    for (; at < this.#keys.length && this.#keys[at]!.startsWith(prefix); at++) yield this.#keys[at]!;
  }

  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
