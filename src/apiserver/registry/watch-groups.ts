// All watchers of one resource, in groups of their like. A group that pins an indexed field hears only of objects that
// have, or had, its value there: each of thousands of nodes watches its own pods.
import type { CacheEvent } from './cache-event.ts';
import type { FieldIndex } from './field-index.ts';
import type { ObjectFormat } from './format.ts';
import { type Scope, type Watcher, WatchGroup } from './watch-group.ts';

interface Pinned {
  readonly index: FieldIndex;
  readonly byValue: Map<string, Set<WatchGroup>>;
}

export class WatchGroups {
  readonly #all = new Map<string, WatchGroup>();
  readonly #unpinned = new Set<WatchGroup>();
  readonly #pinned = new Map<string, Pinned>();
  readonly #touched = new Set<WatchGroup>();
  /** Called for each watcher that joins: a cache that is only filled while somebody watches is to be filled from now on. */
  onJoin: (() => void) | undefined;

  /** Puts a watcher into the group of its like; dispose to leave. `index` is that of the field which the scope pins. */
  join(scope: Scope, format: ObjectFormat, watcher: Watcher, index?: FieldIndex): Disposable {
    const key = `${format.key}\n${scope.namespace}\n${scope.selectorKey}`;
    let group = this.#all.get(key);
    if (!group) {
      group = new WatchGroup(scope, format);
      this.#all.set(key, group);
      this.#file(group, scope, index);
    }
    const joined = group;
    joined.add(watcher);
    this.onJoin?.();
    return {
      [Symbol.dispose]: () => {
        joined.delete(watcher);
        if (joined.isEmpty && this.#all.get(key) === joined) this.#drop(key, joined, scope);
      },
    };
  }

  offer(event: CacheEvent): void {
    for (const group of this.#unpinned) this.#offer(group, event);
    for (const { index, byValue } of this.#pinned.values()) {
      const is = event.current && index.labelOf(event.current);
      const was = event.previous && index.labelOf(event.previous);
      if (is !== undefined) for (const group of byValue.get(is) ?? []) this.#offer(group, event);
      if (was !== undefined && was !== is) for (const group of byValue.get(was) ?? []) this.#offer(group, event);
    }
  }

  /** Hands on what the events since the last time brought. */
  flush(): void {
    for (const group of this.#touched) group.flush();
    this.#touched.clear();
  }

  end(): void {
    for (const group of [...this.#all.values()]) group.end();
  }

  fail(status: object): void {
    for (const group of [...this.#all.values()]) group.fail(status);
  }

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  #offer(group: WatchGroup, event: CacheEvent): void {
    if (group.offer(event)) this.#touched.add(group);
  }

  #file(group: WatchGroup, { pin }: Scope, index: FieldIndex | undefined): void {
    if (!pin || !index) {
      this.#unpinned.add(group);
      return;
    }
    const pinned = this.#pinned.get(pin.field) ?? { index, byValue: new Map() };
    this.#pinned.set(pin.field, pinned);
    const same = pinned.byValue.get(pin.value);
    if (same) same.add(group);
    else pinned.byValue.set(pin.value, new Set([group]));
  }

  #drop(key: string, group: WatchGroup, { pin }: Scope): void {
    this.#all.delete(key);
    this.#unpinned.delete(group);
    const pinned = pin && this.#pinned.get(pin.field);
    const same = pinned?.byValue.get(pin!.value);
    if (!same?.delete(group) || same.size > 0) return;
    pinned!.byValue.delete(pin!.value);
    if (pinned!.byValue.size === 0) this.#pinned.delete(pin!.field);
  }
}
