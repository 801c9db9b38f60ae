// A binary heap of keys by deadline. An earlier deadline for a key replaces a later one: the later entry stays in the
// heap until it surfaces, and is known as outdated by the map.
interface Entry {
  readonly key: string;
  readonly atMs: number;
}

export class DeadlineHeap {
  readonly #entries: Entry[] = [];
  readonly #deadlines = new Map<string, number>();

  get size(): number {
    return this.#deadlines.size;
  }

  get earliestMs(): number | undefined {
    this.#dropOutdated();
    return this.#entries[0]?.atMs;
  }

  push(key: string, atMs: number): void {
    const known = this.#deadlines.get(key);
    if (known !== undefined && known <= atMs) return;
    this.#deadlines.set(key, atMs);
    this.#entries.push({ key, atMs });
    this.#siftUp(this.#entries.length - 1);
  }

  /** Takes out all keys whose deadline has come, earliest first. */
  takeUntil(nowMs: number): string[] {
    const due: string[] = [];
    for (let atMs = this.earliestMs; atMs !== undefined && atMs <= nowMs; atMs = this.earliestMs) {
      const { key } = this.#pop();
      this.#deadlines.delete(key);
      due.push(key);
    }
    return due;
  }

  #dropOutdated(): void {
    for (let top = this.#entries[0]; top && this.#deadlines.get(top.key) !== top.atMs; top = this.#entries[0])
      this.#pop();
  }

  #pop(): Entry {
    const top = this.#entries[0]!;
    const last = this.#entries.pop()!;
    if (this.#entries.length > 0) {
      this.#entries[0] = last;
      this.#siftDown(0);
    }
    return top;
  }

  #siftUp(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#entries[parent]!.atMs <= this.#entries[index]!.atMs) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #siftDown(from: number): void {
    let index = from;
    for (;;) {
      const left = index * 2 + 1;
      const right = left + 1;
      let least = index;
      if (left < this.#entries.length && this.#entries[left]!.atMs < this.#entries[least]!.atMs) least = left;
      if (right < this.#entries.length && this.#entries[right]!.atMs < this.#entries[least]!.atMs) least = right;
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #swap(a: number, b: number): void {
    const entry = this.#entries[a]!;
    this.#entries[a] = this.#entries[b]!;
    this.#entries[b] = entry;
  }
}
