/** Values by key over time, to ask for the largest since some moment. */
export class History {
  readonly #byKey = new Map<string, { atMs: number; value: number }[]>();

  note(key: string, atMs: number, value: number): void {
    const known = this.#byKey.get(key);
    if (!known) this.#byKey.set(key, [{ atMs, value }]);
    else if (known.at(-1)!.value !== value) known.push({ atMs, value });
  }

  /** The largest of the value at that moment and those after it. */
  maxSince(key: string, sinceMs: number): number {
    const known = this.#byKey.get(key) ?? [];
    const first = Math.max(
      0,
      known.findLastIndex(({ atMs }) => atMs <= sinceMs),
    );
    return Math.max(Number.NEGATIVE_INFINITY, ...known.slice(first).map(({ value }) => value));
  }

  firstMs(key: string): number | undefined {
    return this.#byKey.get(key)?.[0]?.atMs;
  }
}

/** How often something happened by key, to count since some moment. */
export class Occurrences {
  readonly #byKey = new Map<string, number[]>();

  note(key: string, atMs: number): void {
    const known = this.#byKey.get(key);
    if (known) known.push(atMs);
    else this.#byKey.set(key, [atMs]);
  }

  countSince(key: string, sinceMs: number): number {
    return (this.#byKey.get(key) ?? []).filter((atMs) => atMs >= sinceMs).length;
  }
}
