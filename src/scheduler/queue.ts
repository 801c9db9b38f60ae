// Pods that wait for a node: ready to be looked at (by priority, then age), waiting out a back-off, or set aside until
// something changes that could help them: each says which changes those are, and others do not touch it. Bounded by the
// number of pods there are.
import type { Clock } from '../base/clock.ts';
import { Heap } from './heap.ts';
import type { WorldChange } from './plugin.ts';
import type { PodView } from './pod-view.ts';

interface Waiting {
  view: PodView;
  place: 'active' | 'backoff' | 'aside' | 'in work' | 'gone';
  attempts: number;
  readonly since: number;
  readyAt: number;
  /** While set aside: when it comes back although nothing changed. */
  asideUntil: number;
  /** Changes that could help it. */
  wokenBy: readonly WorldChange[];
  /** How many changes there had been when it was taken. */
  takenAt: number;
  /** It was changed while it was looked at. */
  isStale: boolean;
}

interface Reminder {
  readonly entry: Waiting;
  readonly atMs: number;
}

const firstBackoffMs = 1000;
const maxBackoffMs = 10_000;
const asideLimitMs = 5 * 60_000;

const dueOf = (entry: Waiting) =>
  entry.place === 'backoff' ? entry.readyAt : entry.place === 'aside' ? entry.asideUntil : Number.POSITIVE_INFINITY;

export class SchedulingQueue implements Disposable {
  readonly #clock: Clock;
  readonly #pods = new Map<string, Waiting>();
  readonly #active = new Heap<Waiting>(
    (a, b) => a.view.priority > b.view.priority || (a.view.priority === b.view.priority && a.since < b.since),
  );
  /** Those set aside, by what could help them. */
  readonly #asideFor = new Map<WorldChange, Set<Waiting>>();
  /** By when they come back at the latest; entries whose time has moved are put back when they surface. */
  readonly #delayed = new Heap<Reminder>((a, b) => a.atMs < b.atMs);
  readonly #lastChange = new Map<WorldChange, number>();
  #changes = 0;
  #arrivals = 0;
  #timer: Disposable | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
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
    } else if (known?.place === 'active' && known.view.priority === view.priority) known.view = view;
    else if (known?.place === 'backoff') known.view = view;
    else {
      if (known) this.#leave(known, 'gone');
      const { since = this.#arrivals++, attempts = 0 } = known ?? {};
      const entry: Waiting = { view, since, attempts, place: 'active', ...fresh };
      this.#pods.set(view.key, entry);
      this.#activate(entry);
    }
  }

  remove(key: string): void {
    const entry = this.#pods.get(key);
    if (!entry) return;
    this.#pods.delete(key);
    this.#leave(entry, 'gone');
  }

  /** The next pod to look at; it counts as in work until done() or putBack(). */
  take(): PodView | undefined {
    for (let entry = this.#active.pop(); entry; entry = this.#active.pop()) {
      if (entry.place !== 'active') continue;
      entry.place = 'in work';
      entry.isStale = false;
      entry.takenAt = this.#changes;
      entry.attempts++;
      return entry.view;
    }
    return undefined;
  }

  done(key: string): void {
    this.remove(key);
  }

  /** No node would do (`wokenBy`: until one of these), or binding failed: wait, but come back no sooner than the back-off. */
  putBack(key: string, { isRetry = false, wokenBy = [] as readonly WorldChange[] } = {}): void {
    const entry = this.#pods.get(key);
    if (entry?.place !== 'in work') return;
    entry.readyAt = this.#clock.now() + Math.min(firstBackoffMs * 2 ** (entry.attempts - 1), maxBackoffMs);
    entry.wokenBy = wokenBy;
    const hasMissed = wokenBy.some((change) => (this.#lastChange.get(change) ?? 0) > entry.takenAt);
    if (isRetry || entry.isStale || hasMissed) this.#delay(entry);
    else this.#setAside(entry);
  }

  /** Something changed that may help: pods set aside for it come back, those in back-off keep to it. */
  worldChanged(change: WorldChange): void {
    this.#lastChange.set(change, ++this.#changes);
    const waiting = this.#asideFor.get(change);
    if (!waiting?.size) return;
    const nowMs = this.#clock.now();
    for (const entry of [...waiting]) {
      if (entry.readyAt > nowMs) {
        this.#leave(entry, 'backoff');
        this.#delay(entry);
      } else this.#activate(entry);
    }
  }

  /** Settles when a pod is ready to be taken, or the queue is disposed. */
  async wait(): Promise<void> {
    while (this.#active.first && this.#active.first.place !== 'active') this.#active.pop();
    if (this.#active.size > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  /** Wakes who waits; to be called at the end. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#wake?.();
  }

  #activate(entry: Waiting): void {
    this.#leave(entry, 'active');
    this.#active.push(entry);
    this.#wake?.();
    this.#wake = undefined;
  }

  #setAside(entry: Waiting): void {
    entry.place = 'aside';
    entry.asideUntil = this.#clock.now() + asideLimitMs;
    for (const change of entry.wokenBy) {
      const waiting = this.#asideFor.get(change) ?? new Set<Waiting>();
      this.#asideFor.set(change, waiting.add(entry));
    }
    this.#remind(entry);
  }

  #delay(entry: Waiting): void {
    entry.place = 'backoff';
    this.#remind(entry);
  }

  #leave(entry: Waiting, place: Waiting['place']): void {
    if (entry.place === 'aside') for (const change of entry.wokenBy) this.#asideFor.get(change)?.delete(entry);
    entry.place = place;
  }

  #remind(entry: Waiting): void {
    this.#delayed.push({ entry, atMs: dueOf(entry) });
    this.#arm();
  }

  /** One timer, for the pod that is due first. */
  #arm(): void {
    const atMs = this.#delayed.first?.atMs;
    if (atMs === undefined || atMs >= this.#timerAtMs) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.timer(Math.max(0, atMs - this.#clock.now()), () => this.#fire());
  }

  #fire(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.now();
    for (let next = this.#delayed.first; next && next.atMs <= nowMs; next = this.#delayed.first) {
      this.#delayed.pop();
      const isWaiting = next.entry.place === 'backoff' || next.entry.place === 'aside';
      // A later time has an entry of its own.
      if (isWaiting && dueOf(next.entry) <= nowMs) this.#activate(next.entry);
    }
    this.#arm();
  }
}

const fresh = { readyAt: 0, asideUntil: 0, wokenBy: [] as readonly WorldChange[], takenAt: 0, isStale: false };
