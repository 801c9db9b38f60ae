// One namespace's objects, always in order of their names: a list after a change costs a copy of pointers, not a sort.
import type { Entry } from './entry.ts';

export class Bucket {
  readonly entries = new Map<string, Entry>();
  #sorted: Entry[] = [];
  /** Somebody was given the array: it is copied before it changes. */
  #isShared = false;

  set(entry: Entry): void {
    const at = this.#place(entry.name);
    const isKnown = this.entries.has(entry.name);
    this.entries.set(entry.name, entry);
    const sorted = this.#own();
    if (isKnown) sorted[at] = entry;
    else if (at === sorted.length) sorted.push(entry);
    else sorted.splice(at, 0, entry);
  }

  delete(name: string): void {
    if (!this.entries.delete(name)) return;
    this.#own().splice(this.#place(name), 1);
  }

  /** Not to be changed: it is handed out again until something here changes. */
  sorted(): readonly Entry[] {
    this.#isShared = true;
    return this.#sorted;
  }

  #own(): Entry[] {
    if (this.#isShared) {
      this.#sorted = this.#sorted.slice();
      this.#isShared = false;
    }
    return this.#sorted;
  }

  /** Where the name is, or would be. Names are ASCII, so that comparing UTF-16 units is comparing bytes. */
  #place(name: string): number {
    const sorted = this.#sorted;
    let low = 0;
    let high = sorted.length;
    // What is loaded comes in order.
    if (high > 0 && sorted[high - 1]!.name < name) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]!.name < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
