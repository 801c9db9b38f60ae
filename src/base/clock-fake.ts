import type { Clock } from './clock.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
  isDisposed: boolean;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs: number;
  #order = 0;
  /** A heap: the next timer first. */
  readonly #timers: Timer[] = [];

  constructor(startMs = Date.UTC(2030, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        timer[Symbol.dispose]();
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = this.timer(delayMs, finish);
      signal?.addEventListener('abort', finish, { once: true });
    });
  }

  timer(delayMs: number, callback: () => void): Disposable {
    const timer: Timer = { atMs: this.#nowMs + delayMs, order: this.#order++, fire: callback, isDisposed: false };
    this.#push(timer);
    return {
      [Symbol.dispose]: () => {
        timer.isDisposed = true;
      },
    };
  }

  /** Moves time on, firing what falls due in order, and lets promises settle between the timers. */
  async advance(byMs: number): Promise<void> {
    const target = this.#nowMs + byMs;
    for (let timer = this.#take(target); timer; timer = this.#take(target)) {
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.fire();
      await this.settle();
    }
    this.#nowMs = target;
    await this.settle();
  }

  /** Moves time on at once, as when a machine slept: what fell due meanwhile fires once, late. */
  async leap(byMs: number): Promise<void> {
    this.#nowMs += byMs;
    // Not what a clock of its own kind makes of it: that one may be waiting for this to end.
    await FakeClock.prototype.advance.call(this, 0);
  }

  /** Gives pending promise callbacks a turn. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** The next timer that falls due by then. */
  #take(untilMs: number): Timer | undefined {
    for (;;) {
      const first = this.#timers[0];
      if (!first || (!first.isDisposed && first.atMs > untilMs)) return undefined;
      this.#pop();
      if (!first.isDisposed) return first;
    }
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#timers;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
