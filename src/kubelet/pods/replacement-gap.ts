// A container whose program was changed ends, and another takes its place. Upstream's agent does both in one go and looks at the
// pod only then; what is in between would have it taken out of its Services and back. It is told when it lasts.
import type { Clock } from '../../base/clock.ts';

const patienceMs = 1_000;

export interface ReplacementGapOptions {
  readonly clock: Clock;
  readonly isRunning: (containerId: string) => boolean;
  /** It lasts: tell what is. */
  readonly onOver: () => void;
}

export class ReplacementGap {
  readonly #options: ReplacementGapOptions;
  /** Ids of containers that end, by name, until their successors run. */
  readonly #ending = new Map<string, string>();
  #timer: Disposable | undefined;

  constructor(options: ReplacementGapOptions) {
    this.#options = options;
  }

  /** Whether nothing is to be told now. What is held back is told when it lasts. */
  holdsBack(): boolean {
    const { clock, isRunning, onOver } = this.#options;
    if ([...this.#ending.values()].every(isRunning)) return false;
    this.#timer ??= clock.timer(patienceMs, () => {
      this.close();
      onOver();
    });
    return true;
  }

  /** Before the container is ended. */
  begin(name: string, containerId: string): void {
    this.#ending.set(name, containerId);
  }

  /** The successor runs, or cannot be started; without a name: of all. */
  close(name?: string): void {
    if (name === undefined) this.#ending.clear();
    else this.#ending.delete(name);
    if (this.#ending.size > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}
