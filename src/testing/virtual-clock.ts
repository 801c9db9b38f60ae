// Time that a test moves. Between two timers everything that can go on without time does so, to its end.
import { FakeClock } from '../base/clock-fake.ts';
import { parseDuration } from '../schema/time.ts';

/** After so many turns of the event loop without anything happening, everything waits for time. */
const quietTurns = 4;

export class VirtualClock extends FakeClock {
  #activity = 0;

  /** Something happened: whoever waits for quiet waits on. */
  noteActivity(): void {
    this.#activity++;
  }

  /**
   * Moves time on, firing what falls due in order.
   * @param by milliseconds, or as Go writes durations: `90s`, `25h`, `1h30m`
   */
  override async advance(by: number | string): Promise<void> {
    await this.settle();
    await super.advance(typeof by === 'number' ? by : Number(parseDuration(by) / 1_000_000n));
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
