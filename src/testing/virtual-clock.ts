// Time that a test moves. Between two timers everything that can go on without time does so, to its end.
import type { Clock } from '../base/clock.ts';
import { parseDuration } from '../schema/time.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
  isDisposed: boolean;
}

/** After so many turns of the event loop without anything happening, everything waits for time. */
const quietTurns = 4;

export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  #order = 0;
  readonly #heap: Timer[] = [];
  #activity = 0;

  /** @param startMs milliseconds since the epoch */
  constructor(startMs: number) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
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
    const timer: Timer = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      fire: callback,
      isDisposed: false,
    };
    this.#push(timer);
    return {
      [Symbol.dispose]: () => {
        timer.isDisposed = true;
      },
    };
  }

  /** Something happened: whoever waits for quiet waits on. */
  noteActivity(): void {
    this.#activity++;
  }

  /**
   * Moves time on, firing what falls due in order.
   * @param by milliseconds, or as Go writes durations: `90s`, `25h`, `1h30m`
   */
  async advance(by: number | string): Promise<void> {
    const target = this.#nowMs + (typeof by === 'number' ? by : Number(parseDuration(by) / 1_000_000n));
    await this.settle();
    for (let timer = this.#due(target); timer; timer = this.#due(target)) {
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.fire();
      // What is due at the same moment happens at the same moment.
      for (let next = this.#due(this.#nowMs); next; next = this.#due(this.#nowMs)) next.fire();
      await this.settle();
    }
    this.#nowMs = target;
  }

  /** Until nothing happens any more without time moving on. */
  async settle(): Promise<void> {
    for (let quiet = 0, seen = this.#activity; quiet < quietTurns; ) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#activity === seen) quiet++;
      else quiet = 0;
      seen = this.#activity;
    }
  }

  /** Takes the next timer that falls due by then. */
  #due(untilMs: number): Timer | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (!first || (!first.isDisposed && first.atMs > untilMs)) return undefined;
      this.#pop();
      if (!first.isDisposed) return first;
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
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
    const heap = this.#heap;
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
