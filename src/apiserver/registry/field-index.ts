// Objects by the value of one field, for the selectors that every node asks with. Made when first asked for.
import type { Entry } from './entry.ts';

/** A field selector that pins a field which is indexed. */
export interface Pin {
  readonly field: string;
  readonly value: string;
}

export class FieldIndex {
  readonly #labelOf: (entry: Entry) => string;
  readonly #byValue = new Map<string, Set<Entry>>();

  constructor(labelOf: (entry: Entry) => string, entries: Iterable<Entry>) {
    this.#labelOf = labelOf;
    for (const entry of entries) this.add(entry);
  }

  add(entry: Entry): void {
    const value = this.#labelOf(entry);
    const same = this.#byValue.get(value);
    if (same) same.add(entry);
    else this.#byValue.set(value, new Set([entry]));
  }

  remove(entry: Entry): void {
    const value = this.#labelOf(entry);
    const same = this.#byValue.get(value);
    if (same?.delete(entry) && same.size === 0) this.#byValue.delete(value);
  }

  labelOf(entry: Entry): string {
    return this.#labelOf(entry);
  }

  unsorted(value: string): Iterable<Entry> {
    return this.#byValue.get(value) ?? [];
  }

  /** In key order. */
  find(value: string): Entry[] {
    return [...(this.#byValue.get(value) ?? [])].sort((left, right) => (left.key < right.key ? -1 : 1));
  }
}
