// Time that a test moves. Between two timers everything that can go on without time does so, to its end.
import { FakeClock } from '../base/clock-fake.ts';
import { parseDuration } from '../schema/time.ts';

/** After so many turns of the event loop without anything happening, everything waits for time. */
const quietTurns = 4;

/** While time passes by itself: how often it is brought up to date. */
const stepMs = 10;

export class VirtualClock extends FakeClock {
  #activity = 0;
  /** One mover at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Something happened: whoever waits for quiet waits on. */
  noteActivity(): void {
    this.#activity++;
  }

  /**
   * Moves time on, firing what falls due in order.
   * @param by milliseconds, or as Go writes durations: `90s`, `25h`, `1h30m`
   */
  override advance(by: number | string): Promise<void> {
    return this.#move(() => super.advance(millisecondsOf(by)));
  }

  /** Moves time on at once, as when a machine slept: what fell due meanwhile fires once, late. For months and years. */
  override leap(by: number | string): Promise<void> {
    return this.#move(() => super.leap(millisecondsOf(by)));
  }

  #move(how: () => Promise<void>): Promise<void> {
    const moved = this.#turn.then(async () => {
      await this.settle();
      await how();
    });
    this.#turn = moved.catch(() => {});
    return moved;
  }

  /**
   * Lets time pass by itself, so many times as fast as outside, until what it gives is disposed of: for programs in other
   * processes, which nobody can make wait.
   */
  run({ speed = 1 }: { readonly speed?: number } = {}): AsyncDisposable {
    let isStopped = false;
    let lastMs = performance.now();
    const running = (async () => {
      while (!isStopped) {
        await new Promise((resolve) => setTimeout(resolve, stepMs));
        const nowMs = performance.now();
        const passedMs = (nowMs - lastMs) * speed;
        lastMs = nowMs;
        await this.advance(passedMs);
      }
    })();
    return {
      async [Symbol.asyncDispose]() {
        isStopped = true;
        await running;
      },
    };
  }

  /** Until nothing happens any more without time moving on. */
  override async settle(): Promise<void> {
    for (let quiet = 0, seen = this.#activity; quiet < quietTurns; ) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#activity === seen) quiet++;
      else quiet = 0;
      seen = this.#activity;
    }
  }
}

function millisecondsOf(duration: number | string): number {
  return typeof duration === 'number' ? duration : Number(parseDuration(duration) / 1_000_000n);
}
