import type { Clock } from '../../src/base/clock.ts';

/** A clock whose wall time somebody sets; what is measured with it does not notice. */
export class SkewedClock implements Clock {
  readonly #base: Clock;
  offsetMs = 0;

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.offsetMs;
  }

  monotonicMs(): number {
    return this.#base.monotonicMs();
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.#base.sleep(delayMs, signal);
  }

  timer(delayMs: number, callback: () => void): Disposable {
    return this.#base.timer(delayMs, callback);
  }
}
