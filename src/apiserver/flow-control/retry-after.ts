// What refused clients are told: how many seconds to stay away. Grows while they keep coming and shrinks when they stop.

const longestSeconds = 32;

interface Second {
  readonly at: number;
  count: number;
}

export class RetryAfter {
  #seconds = 1;
  #raisedAt = 0;
  #history: Second[] = [];

  get seconds(): number {
    return this.#seconds;
  }

  recordRefusal(nowMs: number): void {
    const now = Math.floor(nowMs / 1000);
    const last = this.#history.at(-1);
    if (last && last.at >= now) {
      last.count++;
      return;
    }
    // Only whole seconds that are over are counted.
    if (last) this.#adjust(now);
    this.#history = this.#history.filter(({ at }) => now - at <= Math.min(2 * this.#seconds, longestSeconds));
    this.#history.push({ at: now, count: 1 });
  }

  #adjust(now: number): void {
    const recent = this.#history.filter(({ at }) => now - at <= this.#seconds);
    const refused = recent.reduce((all, { count }) => all + count, 0);
    if (now - this.#raisedAt >= this.#seconds && refused >= 3 * this.#seconds) {
      this.#seconds = Math.min(2 * this.#seconds, longestSeconds);
      this.#raisedAt = now;
    } else if (refused < this.#seconds && this.#seconds > 1) this.#seconds--;
  }
}
