import type { Clock } from './clock.ts';

interface Waiting {
  at: number;
  order: number;
  fire: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs: number;
  #order = 0;
  #waiting: Waiting[] = [];

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
      const timer = this.timer(delayMs, finish);
      function finish() {
        timer[Symbol.dispose]();
        signal?.removeEventListener('abort', finish);
        resolve();
      }
      signal?.addEventListener('abort', finish, { once: true });
    });
  }

  timer(delayMs: number, callback: () => void): Disposable {
    const entry: Waiting = { at: this.#nowMs + delayMs, order: this.#order++, fire: callback };
    this.#waiting.push(entry);
    return {
      [Symbol.dispose]: () => {
        this.#waiting = this.#waiting.filter((other) => other !== entry);
      },
    };
  }

  /** Moves time on, firing what falls due in order, and lets promises settle between the timers. */
  async advance(byMs: number): Promise<void> {
    const target = this.#nowMs + byMs;
    for (;;) {
      const due = this.#waiting
        .filter((entry) => entry.at <= target)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!due) break;
      this.#nowMs = Math.max(this.#nowMs, due.at);
      this.#waiting = this.#waiting.filter((entry) => entry !== due);
      due.fire();
      await settle();
    }
    this.#nowMs = target;
    await settle();
  }
}

/** Gives pending promise callbacks a turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
