// Hands out numbers of a range, each to one holder. What is stored is read from the objects themselves; what has been
// given out since that reading is held here.
import type { Random } from '../../base/random.ts';

export interface NumberPoolOptions {
  readonly first: number;
  readonly last: number;
  /** Random choices prefer numbers from here on: below it is for those who ask for a certain one. */
  readonly dynamicFrom: number;
  readonly random: Random;
  /** What stored objects hold now. */
  readonly stored: () => Iterable<number>;
}

const tries = 32;

export class NumberPool {
  readonly #options: NumberPoolOptions;
  #stored: Set<number>;
  readonly #held = new Set<number>();
  #changes = -1;

  constructor(options: NumberPoolOptions) {
    this.#options = options;
    this.#stored = new Set();
  }

  /** `version` changes when the objects do. */
  refresh(version: number): void {
    if (version === this.#changes) return;
    this.#changes = version;
    this.#stored = new Set(this.#options.stored());
  }

  isFree(value: number): boolean {
    return !this.#stored.has(value) && !this.#held.has(value);
  }

  isInRange(value: number): boolean {
    return value >= this.#options.first && value <= this.#options.last;
  }

  hold(value: number): void {
    this.#held.add(value);
  }

  release(value: number): void {
    this.#held.delete(value);
  }

  /** A free number, held. Undefined when there is none. */
  take(): number | undefined {
    const { first, last, dynamicFrom, random } = this.#options;
    const from = dynamicFrom <= last ? dynamicFrom : first;
    for (let attempt = 0; attempt < tries; attempt++) {
      const value = from + Math.floor(random.next() * (last - from + 1));
      if (this.isFree(value)) return this.#taken(value);
    }
    for (let value = from; value <= last; value++) if (this.isFree(value)) return this.#taken(value);
    for (let value = first; value < from; value++) if (this.isFree(value)) return this.#taken(value);
    return undefined;
  }

  #taken(value: number): number {
    this.#held.add(value);
    return value;
  }
}
