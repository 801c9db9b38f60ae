// What a controller has asked for and its cache has not shown yet. While something is expected, counting the cache would
// count wrong, and one pod too many would be made.
import type { Clock } from '../base/clock.ts';
import type { KeyQueue } from './controller.ts';

interface Expected {
  creations: number;
  /** Keys of the objects whose deletion was asked for. */
  deletions: Set<string>;
  readonly sinceMs: number;
}

/** After so long the event was lost, or something else took it: the cache is believed again. */
const timeoutMs = 5 * 60 * 1000;

export class Expectations {
  readonly #clock: Clock;
  readonly #queue: KeyQueue;
  readonly #expected = new Map<string, Expected>();

  /** @param queue of owners: one whose expectations are not met is looked at again when they have run out */
  constructor(clock: Clock, queue: KeyQueue) {
    this.#clock = clock;
    this.#queue = queue;
  }

  /** The cache shows what was asked for on behalf of `owner`, or nothing was. */
  areMet(owner: string): boolean {
    const expected = this.#expected.get(owner);
    if (!expected) return true;
    if (expected.creations <= 0 && expected.deletions.size === 0) return true;
    const leftMs = expected.sinceMs + timeoutMs - this.#clock.monotonicMs();
    if (leftMs <= 0) return true;
    this.#queue.addAfter(owner, leftMs);
    return false;
  }

  expectCreations(owner: string, count: number): void {
    this.#expected.set(owner, { creations: count, deletions: new Set(), sinceMs: this.#clock.monotonicMs() });
  }

  expectDeletions(owner: string, keys: readonly string[]): void {
    this.#expected.set(owner, { creations: 0, deletions: new Set(keys), sinceMs: this.#clock.monotonicMs() });
  }

  /** Both at once, for controllers that replace. */
  expect(owner: string, creations: number, deletions: readonly string[]): void {
    this.#expected.set(owner, { creations, deletions: new Set(deletions), sinceMs: this.#clock.monotonicMs() });
  }

  /** Seen, or failed: no longer expected. */
  creationSeen(owner: string, count = 1): void {
    const expected = this.#expected.get(owner);
    if (expected) expected.creations -= count;
  }

  deletionSeen(owner: string, key: string): void {
    this.#expected.get(owner)?.deletions.delete(key);
  }

  forget(owner: string): void {
    this.#expected.delete(owner);
  }
}
