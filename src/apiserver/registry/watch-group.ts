// Watchers that want the same thing in the same form share the work: an event is matched and encoded once for all.
import type { CacheEvent, WatchEventType } from './cache-event.ts';
import type { Entry } from './entry.ts';
import type { Pin } from './field-index.ts';
import type { ObjectFormat } from './format.ts';

/** Which objects a watch or list is about. */
export interface Scope {
  /** '' is all namespaces. */
  readonly namespace: string;
  /** Only objects with this value of an indexed field are meant. */
  readonly pin?: Pin | undefined;
  /** Distinguishes selectors; '' selects all. */
  readonly selectorKey: string;
  matches(entry: Entry): boolean;
}

/** What a watcher is told of one change, or undefined when it is none of its business. */
export function classify(event: CacheEvent, scope: Scope): { type: WatchEventType; entry: Entry } | undefined {
  const is = event.current !== undefined && scope.matches(event.current);
  const was = event.previous !== undefined && scope.matches(event.previous);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', entry: event.current! };
  return was ? { type: 'DELETED', entry: event.gone() } : undefined;
}

export function frameOf(event: CacheEvent, type: WatchEventType, entry: Entry, format: ObjectFormat): Buffer {
  const key = `${type} ${format.key}`;
  let frame = event.frames.get(key);
  if (!frame) {
    frame = format.frame(type, entry);
    event.frames.set(key, frame);
  }
  return frame;
}

/** One of the watchers; `offer` must not block. */
export interface Watcher {
  offer(bytes: Buffer): void;
  /** Nothing more will come: what is watched is not served any longer, or not as it was. */
  end?(): void;
}

export class WatchGroup {
  readonly #scope: Scope;
  readonly #format: ObjectFormat;
  readonly #watchers = new Set<Watcher>();
  #frames: Buffer[] = [];

  constructor(scope: Scope, format: ObjectFormat) {
    this.#scope = scope;
    this.#format = format;
  }

  /** Whether there is something to flush. */
  offer(event: CacheEvent): boolean {
    const { namespace } = this.#scope;
    if (namespace && (event.current ?? event.previous)!.namespace !== namespace) return false;
    const change = classify(event, this.#scope);
    if (change) this.#frames.push(frameOf(event, change.type, change.entry, this.#format));
    return change !== undefined;
  }

  /** Hands on what the last batch brought. */
  flush(): void {
    if (this.#frames.length === 0) return;
    const bytes = this.#frames.length === 1 ? this.#frames[0]! : Buffer.concat(this.#frames);
    this.#frames = [];
    for (const watcher of this.#watchers) watcher.offer(bytes);
  }

  end(): void {
    for (const watcher of [...this.#watchers]) watcher.end?.();
  }

  /** The watchers are told why before they end. */
  fail(status: object): void {
    const bytes = this.#format.error(status);
    for (const watcher of [...this.#watchers]) {
      watcher.offer(bytes);
      watcher.end?.();
    }
  }

  get isEmpty(): boolean {
    return this.#watchers.size === 0;
  }

  add(watcher: Watcher): void {
    this.#watchers.add(watcher);
  }

  delete(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }
}
