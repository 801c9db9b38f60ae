// Pods that wait for a node: ready to be looked at (by priority, then age), waiting out a back-off, or set aside until
// something changes that could help. Bounded by the number of pods there are.
import type { Clock } from '../base/clock.ts';
import type { PodView } from './pod-view.ts';

interface Waiting {
  view: PodView;
  place: 'active' | 'backoff' | 'aside' | 'in work';
  attempts: number;
  readonly since: number;
  readyAt: number;
  /** A change came while the pod was being looked at: what was found may be out of date. */
  isStale: boolean;
}

const firstBackoffMs = 1000;
const maxBackoffMs = 10_000;
const asideLimitMs = 5 * 60_000;

export class SchedulingQueue implements Disposable {
  readonly #clock: Clock;
  readonly #pods = new Map<string, Waiting>();
  #active: Waiting[] = [];
  #isSorted = true;
  #arrivals = 0;
  #timer: Disposable | undefined;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#pods.size;
  }

  /** A new pod, or a changed one: it is looked at again at once. */
  add(view: PodView): void {
    const known = this.#pods.get(view.key);
    if (known?.place === 'in work') {
      known.view = view;
      known.isStale = true;
      return;
    }
    if (known?.place === 'active' || known?.place === 'backoff') {
      known.view = view;
      return;
    }
    const entry = known ?? { view, place: 'active', attempts: 0, since: this.#arrivals++, readyAt: 0, isStale: false };
    entry.view = view;
    this.#pods.set(view.key, entry);
    this.#activate(entry);
  }

  remove(key: string): void {
    const entry = this.#pods.get(key);
    if (!entry) return;
    this.#pods.delete(key);
    if (entry.place === 'active') this.#active = this.#active.filter((other) => other !== entry);
  }

  /** The next pod to look at; it counts as in work until done() or putBack(). */
  take(): PodView | undefined {
    if (!this.#isSorted) {
      this.#active.sort((a, b) => a.view.priority - b.view.priority || b.since - a.since);
      this.#isSorted = true;
    }
    const entry = this.#active.pop();
    if (!entry) return undefined;
    entry.place = 'in work';
    entry.isStale = false;
    entry.attempts++;
    return entry.view;
  }

  done(key: string): void {
    this.#pods.delete(key);
  }

  /** No node would do, or binding failed: wait, and come back when something changed, but not before the back-off. */
  putBack(key: string, { isRetry = false } = {}): void {
    const entry = this.#pods.get(key);
    if (entry?.place !== 'in work') return;
    entry.readyAt = this.#clock.now() + Math.min(firstBackoffMs * 2 ** (entry.attempts - 1), maxBackoffMs);
    const mayHelp = isRetry || entry.isStale;
    entry.place = mayHelp ? 'backoff' : 'aside';
    this.#schedule();
  }

  /** Something changed that may help: pods set aside come back, those in back-off keep to it. */
  worldChanged(): void {
    const now = this.#clock.now();
    for (const entry of this.#pods.values()) {
      if (entry.place === 'in work') entry.isStale = true;
      if (entry.place !== 'aside') continue;
      if (entry.readyAt <= now) this.#activate(entry);
      else entry.place = 'backoff';
    }
    this.#schedule();
  }

  /** Settles when a pod is ready to be taken, or the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#active.length > 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #activate(entry: Waiting): void {
    entry.place = 'active';
    this.#active.push(entry);
    this.#isSorted = false;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** One timer, for the pod that is due first. */
  #schedule(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const now = this.#clock.now();
    let earliest = Number.POSITIVE_INFINITY;
    for (const entry of this.#pods.values()) {
      const due =
        entry.place === 'backoff'
          ? entry.readyAt
          : entry.place === 'aside'
            ? entry.readyAt + asideLimitMs
            : Number.POSITIVE_INFINITY;
      if (due <= now) this.#activate(entry);
      else earliest = Math.min(earliest, due);
    }
    if (Number.isFinite(earliest)) this.#timer = this.#clock.timer(earliest - now, () => this.#schedule());
  }
}
