// Pods that wait for a node: ready to be looked at (by priority, then age), waiting out a back-off, or set aside until
// something changes that could help them: each says which changes those are, and others do not touch it. Bounded by the
// number of pods there are.
import type { Clock } from '../base/clock.ts';
import { Heap } from './heap.ts';
import type { Change, Filter, WorldChange } from './plugin.ts';
import type { PodView } from './pod-view.ts';

interface Waiting {
  view: PodView;
  place: 'active' | 'backoff' | 'aside' | 'in work' | 'gone';
  attempts: number;
  /** When it came into the queue. */
  readonly queuedAtMs: number;
  readonly since: number;
  readyAt: number;
  /** While set aside: when it comes back although nothing changed. */
  asideUntil: number;
  /** The plugins that refused it: they know which changes could help. */
  refusedBy: readonly Filter[];
  /** How many changes there had been when it was taken. */
  takenAt: number;
  /** It failed for another reason than that there is no place: its back-off is kept. */
  isFaulty: boolean;
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

/** What a plugin is asked: whether the change may help a pod of this shape that it refused. */
export type Helps = (filter: Filter, view: PodView, change: Change) => boolean;

/** Where pods wait, as upstream's figures call it. */
export type QueueName = 'active' | 'backoff' | 'unschedulable';

/** Told of each pod that comes into a queue, and why. */
export type OnEnter = (queue: QueueName, event: string) => void;

/** How long a pod waits after its first attempt, and at most. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Changes remembered for pods in work; one that missed more of them looks at the kinds of change only. */
const maxRecent = 1024;

export class SchedulingQueue implements Disposable {
  readonly #clock: Clock;
  readonly #helps: Helps;
  readonly #backoffMs: Backoff;
  readonly #pods = new Map<string, Waiting>();
  readonly #active = new Heap<Waiting>(
    (a, b) => a.view.priority > b.view.priority || (a.view.priority === b.view.priority && a.since < b.since),
  );
  /** Those in back-off, by when it ends: taken before that when nobody else waits. */
  readonly #backoff = new Heap<Waiting>((a, b) => a.readyAt < b.readyAt);
  /** Those set aside, by the kind of change that could help them, then by shape and by who refused: asked once for all. */
  readonly #asideFor = new Map<WorldChange, Map<string, Set<Waiting>>>();
  /** By when they come back at the latest; entries whose time has moved are put back when they surface. */
  readonly #delayed = new Heap<Reminder>((a, b) => a.atMs < b.atMs);
  readonly #lastChange = new Map<WorldChange, number>();
  readonly #recent: Change[] = [];
  #changes = 0;
  #arrivals = 0;
  #timer: Disposable | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #wake: (() => void) | undefined;
  /** Counts, for whoever wants to. */
  onEnter: OnEnter | undefined;

  constructor(clock: Clock, helps: Helps = () => true, backoff: Partial<Backoff> = {}) {
    this.#clock = clock;
    this.#helps = helps;
    this.#backoffMs = { firstMs: firstBackoffMs, maxMs: maxBackoffMs, ...backoff };
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
      const { since = this.#arrivals++, attempts = 0, queuedAtMs = this.#clock.now() } = known ?? {};
      const entry: Waiting = { view, since, attempts, queuedAtMs, place: 'active', ...fresh };
      this.onEnter?.('active', known ? 'UnscheduledPodUpdate' : 'UnscheduledPodAdd');
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
    const entry = firstOf(this.#active, 'active') ?? firstOf(this.#backoff, 'backoff');
    if (!entry) return undefined;
    (entry.place === 'active' ? this.#active : this.#backoff).pop();
    entry.place = 'in work';
    entry.isStale = false;
    entry.isFaulty = false;
    entry.takenAt = this.#changes;
    entry.attempts++;
    return entry.view;
  }

  done(key: string): void {
    this.remove(key);
  }

  /** How often it was looked at, and since when it is here. */
  historyOf(key: string): { readonly attempts: number; readonly queuedAtMs: number } | undefined {
    return this.#pods.get(key);
  }

  /** How many wait where; goes over all of them. */
  counts(): Record<QueueName, number> {
    const counts = { active: 0, backoff: 0, unschedulable: 0 };
    for (const { place } of this.#pods.values()) {
      if (place === 'active' || place === 'backoff') counts[place]++;
      else if (place === 'aside') counts.unschedulable++;
    }
    return counts;
  }

  /** Of those set aside: who refused which pod. */
  *refused(): Iterable<{ readonly view: PodView; readonly refusedBy: readonly Filter[] }> {
    for (const entry of this.#pods.values()) if (entry.place === 'aside') yield entry;
  }

  /** No node would do (until something helps against those that refused), or binding failed (`isRetry`). */
  putBack(key: string, { isRetry = false, refusedBy = [] as readonly Filter[] } = {}): void {
    const entry = this.#pods.get(key);
    if (entry?.place !== 'in work') return;
    const { firstMs, maxMs } = this.#backoffMs;
    entry.readyAt = this.#clock.now() + Math.min(firstMs * 2 ** (entry.attempts - 1), maxMs);
    entry.refusedBy = refusedBy;
    entry.isFaulty = isRetry;
    const isDelayed = isRetry || entry.isStale || this.#hasMissed(entry);
    this.onEnter?.(isDelayed ? 'backoff' : 'unschedulable', 'ScheduleAttemptFailure');
    if (isDelayed) this.#delay(entry);
    else this.#setAside(entry);
  }

  /** Something changed: pods set aside that it may help come back; before their back-off is over only if nobody else waits. */
  worldChanged(change: Change): void {
    this.#lastChange.set(change.type, ++this.#changes);
    this.#recent[this.#changes % maxRecent] = change;
    const groups = this.#asideFor.get(change.type);
    if (!groups?.size) return;
    const nowMs = this.#clock.now();
    for (const group of [...groups.values()]) {
      const [first] = group;
      if (!first || !this.#isHelp(first, change)) continue;
      for (const entry of [...group]) {
        this.#leave(entry, 'backoff');
        this.onEnter?.(entry.readyAt > nowMs ? 'backoff' : 'active', eventNames[change.type]);
        if (entry.readyAt > nowMs) this.#delay(entry);
        else this.#activate(entry);
      }
    }
  }

  /** Settles when a pod is ready to be taken, or the queue is disposed. */
  async wait(): Promise<void> {
    if (firstOf(this.#active, 'active') ?? firstOf(this.#backoff, 'backoff')) return;
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
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #isHelp(entry: Waiting, change: Change): boolean {
    if (entry.refusedBy.length === 0) return change.type === 'node-added';
    return entry.refusedBy.some(
      (filter) => filter.wokenBy.includes(change.type) && this.#helps(filter, entry.view, change),
    );
  }

  /** What helps it has happened while it was looked at. */
  #hasMissed(entry: Waiting): boolean {
    const kinds = kindsFor(entry);
    if (![...kinds].some((change) => (this.#lastChange.get(change) ?? 0) > entry.takenAt)) return false;
    if (this.#changes - entry.takenAt >= maxRecent) return true;
    for (let at = entry.takenAt + 1; at <= this.#changes; at++) {
      if (this.#isHelp(entry, this.#recent[at % maxRecent]!)) return true;
    }
    return false;
  }

  #setAside(entry: Waiting): void {
    entry.place = 'aside';
    entry.asideUntil = this.#clock.now() + asideLimitMs;
    const name = groupOf(entry);
    for (const change of kindsFor(entry)) {
      const groups = this.#asideFor.get(change) ?? new Map<string, Set<Waiting>>();
      const group = groups.get(name) ?? new Set<Waiting>();
      this.#asideFor.set(change, groups.set(name, group.add(entry)));
    }
    this.#remind(entry);
  }

  #delay(entry: Waiting): void {
    entry.place = 'backoff';
    if (!entry.isFaulty) {
      this.#backoff.push(entry);
      this.#wakeUp();
    }
    this.#remind(entry);
  }

  #leave(entry: Waiting, place: Waiting['place']): void {
    if (entry.place === 'aside') {
      const name = groupOf(entry);
      for (const change of kindsFor(entry)) {
        const groups = this.#asideFor.get(change);
        const group = groups?.get(name);
        group?.delete(entry);
        if (group?.size === 0) groups!.delete(name);
      }
    }
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
      if (isWaiting && dueOf(next.entry) <= nowMs) {
        this.onEnter?.('active', next.entry.place === 'backoff' ? 'BackoffComplete' : 'UnschedulableTimeout');
        this.#activate(next.entry);
      }
    }
    this.#arm();
  }
}

/** Upstream's names of what happened. */
const eventNames: Readonly<Record<WorldChange, string>> = {
  'node-added': 'NodeAdd',
  'node-room': 'NodeUpdateAllocatable',
  'node-labels': 'NodeUpdateLabel',
  'node-taints': 'NodeUpdateTaint',
  'node-features': 'NodeUpdateNodeDeclaredFeature',
  'pod-placed': 'AssignedPodAdd',
  'pod-gone': 'AssignedPodDelete',
  'pod-labels': 'AssignedPodUpdatePodLabel',
  volumes: 'StorageChange',
  devices: 'DeviceChange',
};

const fresh = {
  readyAt: 0,
  asideUntil: 0,
  refusedBy: [] as readonly Filter[],
  takenAt: 0,
  isStale: false,
  isFaulty: false,
};

/** Without nodes nobody refused: any node helps. */
const kindsFor = ({ refusedBy }: Waiting): ReadonlySet<WorldChange> =>
  new Set(refusedBy.length === 0 ? ['node-added'] : refusedBy.flatMap(({ wokenBy }) => wokenBy));

function groupOf({ view, refusedBy }: Waiting): string {
  const name = `${view.signature}\n${refusedBy.map((filter) => filter.name).join()}`;
  if (!refusedBy.some(({ isOfClaims }) => isOfClaims)) return name;
  return `${name}\n${view.volumes.claims.map(({ key }) => key).join()}`;
}

/** The first that is still in its place; outdated ones before it are dropped. */
function firstOf(heap: Heap<Waiting>, place: Waiting['place']): Waiting | undefined {
  while (heap.first && heap.first.place !== place) heap.pop();
  return heap.first;
}
