// Keys waiting for a look. Adding a key that waits does nothing; adding one in work makes it run again afterwards.
// Delays: one heap and one timer for all keys; the earliest of several deadlines wins.
import type { Clock } from '../base/clock.ts';
import type { KeyQueue } from './controller.ts';
import { DeadlineHeap } from './deadline-heap.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** First delay after a failure; doubles with each. */
  readonly baseDelayMs?: number;
  readonly maxDelayMs?: number;
}

/** More keys than a cluster has objects: beyond it something adds keys it should not. */
const maxKeys = 2_000_000;

export class WorkQueue implements KeyQueue {
  readonly #clock: Clock;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #waiting = new Set<string>();
  readonly #working = new Set<string>();
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new DeadlineHeap();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #timer: Disposable | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor({ clock, baseDelayMs = 5, maxDelayMs = 1_000_000 }: WorkQueueOptions) {
    this.#clock = clock;
    this.#baseDelayMs = baseDelayMs;
    this.#maxDelayMs = maxDelayMs;
  }

  /** Keys that wait for a worker, without those that wait for their time. */
  get length(): number {
    return this.#waiting.size;
  }

  add(key: string): void {
    if (this.#isClosed) return;
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    const taker = this.#takers.shift();
    if (taker) {
      this.#working.add(key);
      taker(key);
      return;
    }
    if (this.#waiting.size >= maxKeys) throw new Error(`work queue: must hold at most ${maxKeys} keys`);
    this.#waiting.add(key);
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#isClosed) return;
    if (!(delayMs > 0)) {
      this.add(key);
      return;
    }
    // Measured, not dated: a wall clock that is set back must not hold anybody up.
    this.#delayed.push(key, this.#clock.monotonicMs() + delayMs);
    this.#arm();
  }

  /** Puts back a key that failed, later each time. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(this.#baseDelayMs * 2 ** Math.min(failures, 40), this.#maxDelayMs));
  }

  /** The key went well: its next failure starts with the first delay. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  failuresOf(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, when there is one; undefined once the queue is closed. Tell `done` afterwards. */
  take(): Promise<string | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      this.#working.add(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: string): void {
    this.#working.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  /** Wakes all takers with nothing and refuses keys from now on. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  /** One timer, for the earliest deadline. */
  #arm(): void {
    const atMs = this.#delayed.earliestMs;
    if (atMs === undefined || atMs >= this.#timerAtMs) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerAtMs = atMs;
    // Timers of the platform hold 31 bits; a longer wait is walked in stretches.
    const delayMs = Math.min(Math.max(atMs - this.#clock.monotonicMs(), 0), 2_000_000_000);
    this.#timer = this.#clock.timer(delayMs, () => this.#fire());
  }

  #fire(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    for (const key of this.#delayed.takeUntil(this.#clock.monotonicMs())) this.add(key);
    this.#arm();
  }
}
