import { untilSettled } from '../../../base/signals.ts';

/** What is done under one name happens one after the other. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** @param signal whose abort gives up the wait for the turn; the action is not begun then */
  async take<T>(name: string, signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const result = (async () => {
      await (signal ? untilSettled(before, signal) : before);
      signal?.throwIfAborted();
      return action();
    })();
    const turn = Promise.allSettled([before, result]).then(() => {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    });
    this.#last.set(name, turn);
    return result;
  }
}
