// What watchers must have seen, worked out from the store's commit log and nothing else.

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** Which ConfigMaps a watcher asked for; absent: any. */
export interface Filter {
  readonly namespace?: string;
  readonly group?: string;
  readonly name?: string;
}

export interface Expected {
  readonly revision: number;
  readonly type: EventType;
  /** `NAMESPACE/NAME` */
  readonly key: string;
}

/** One change of the commit log: the object's `group` label before and after; absent: it was not there. */
export interface Change {
  readonly revision: number;
  readonly namespace: string;
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export const filterKey = ({ namespace = '', group = '', name = '' }: Filter) => `${namespace}|${group}|${name}`;

/** All filters that an object with this label is in. */
function filtersOf({ namespace, name }: Change, group: string): string[] {
  return [{}, { namespace }, { group }, { namespace, group }, { namespace, name }].map(filterKey);
}

export class Oracle {
  readonly #streams = new Map<string, Expected[]>();
  /** What a filter selects now: keys and their revisions. */
  readonly #states = new Map<string, Map<string, number>>();
  revision = 0;
  changes = 0;
  #waiting: { revision: number; resolve: () => void }[] = [];

  /** Every event that a watcher with this filter is told of, in order. */
  stream(filter: Filter): readonly Expected[] {
    return this.#streams.get(filterKey(filter)) ?? [];
  }

  state(filter: Filter): ReadonlyMap<string, number> {
    return this.#states.get(filterKey(filter)) ?? new Map();
  }

  take(change: Change): void {
    const { before, after, revision } = change;
    const was = new Set(before === undefined ? [] : filtersOf(change, before));
    const is = new Set(after === undefined ? [] : filtersOf(change, after));
    const key = `${change.namespace}/${change.name}`;
    for (const filter of new Set([...was, ...is])) {
      const type = !was.has(filter) ? 'ADDED' : is.has(filter) ? 'MODIFIED' : 'DELETED';
      getOr(this.#streams, filter, () => []).push({ revision, type, key });
      const state = getOr(this.#states, filter, () => new Map<string, number>());
      if (type === 'DELETED') state.delete(key);
      else state.set(key, revision);
    }
    this.changes++;
  }

  /** All changes up to here have been taken. */
  reached(revision: number): void {
    this.revision = revision;
    const due = this.#waiting.filter((each) => each.revision <= revision);
    this.#waiting = this.#waiting.filter((each) => each.revision > revision);
    for (const { resolve } of due) resolve();
  }

  /** Nobody needs to wait any longer. */
  release(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  waitFor(revision: number): Promise<void> | undefined {
    if (revision <= this.revision) return undefined;
    return new Promise((resolve) => this.#waiting.push({ revision, resolve }));
  }
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Position of the first event after `revision`. */
export function positionAfter(stream: readonly Expected[], revision: number): number {
  let low = 0;
  let high = stream.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stream[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
