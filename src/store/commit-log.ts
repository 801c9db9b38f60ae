// The newest part of the commit log in memory, and cursors over it. Every watcher is a cursor: a revision and a prefix.
// Live delivery, catching up and resuming are one path, and a slow reader costs no memory: it has no backlog of its own,
// it just reads further behind, from the engine's table once the tail has moved on, until compaction passes it.
import { CompactedError, FutureRevisionError, type StoreEvent, type WatchOptions } from './store.ts';

/** What one commit, or several that shared a group, put into the log: whole revisions in order. */
interface Batch {
  readonly first: number;
  readonly last: number;
  readonly events: readonly StoreEvent[];
  readonly bytes: number;
}

interface OlderPage {
  readonly events: readonly StoreEvent[];
  /** Everything up to this revision has been read. */
  readonly last: number;
}

export interface CommitLogOptions {
  readonly revision: number;
  readonly compactedRevision: number;
  /** How much of the log stays in memory. */
  readonly tailBytes: number;
  /** Reads whole revisions from `fromRevision` on, from what the engine keeps; at most a page. */
  readonly readOlder?: (prefix: string, fromRevision: number) => Promise<OlderPage>;
}

/** Most events a watcher is given at once. */
const pageEvents = 1000;

export class CommitLog {
  readonly #options: CommitLogOptions;
  readonly #parked = new Set<Cursor>();
  readonly #tail: Batch[] = [];
  #tailBytes = 0;
  /** Every event from this revision on is in the tail. */
  #tailStart: number;
  #revision: number;
  #compacted: number;
  #isClosed = false;

  constructor(options: CommitLogOptions) {
    this.#options = options;
    this.#revision = options.revision;
    this.#compacted = options.compactedRevision;
    this.#tailStart = options.revision + 1;
  }

  get revision(): number {
    return this.#revision;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  /** Takes in what has been committed, in revision order, and hands it to every cursor that waits for it. */
  append(last: number, events: readonly StoreEvent[]): void {
    const batch = { first: this.#revision + 1, last, events, bytes: weigh(events) };
    this.#tail.push(batch);
    this.#tailBytes += batch.bytes;
    this.#revision = last;
    while (this.#tailBytes > this.#options.tailBytes && this.#tail.length > 1) this.#dropOldest();
    for (const cursor of this.#parked) cursor.offer(batch);
  }

  /** The history before `revision` is gone. */
  compacted(revision: number): void {
    this.#compacted = revision;
    while (this.#tail.length > 0 && this.#tail[0]!.last <= revision) this.#dropOldest();
  }

  /** There is a gap: what comes after `revision` is known, what came before is not. Every watch ends, and begins anew. */
  restart(revision: number): void {
    this.#tail.length = 0;
    this.#tailBytes = 0;
    this.#tailStart = revision + 1;
    this.#revision = revision;
    this.#compacted = revision;
    for (const cursor of this.#parked) cursor.fail(new CompactedError(revision));
  }

  /** Ends every watch. */
  close(): void {
    this.#isClosed = true;
    for (const cursor of this.#parked) cursor.end();
  }

  watch(options: WatchOptions): AsyncIterable<readonly StoreEvent[]> {
    const start = options.fromRevision ?? this.#revision + 1;
    if (start <= this.#compacted) throw new CompactedError(this.#compacted);
    if (start > this.#revision + 1) throw new FutureRevisionError(this.#revision);
    const parked = this.#parked;
    const cursor: Cursor = new Cursor(options, start, {
      read: (prefix, from) => this.#read(prefix, from),
      park: () => !this.#isClosed && parked.add(cursor),
      unpark: () => parked.delete(cursor),
    });
    return { [Symbol.asyncIterator]: () => cursor };
  }

  /** A page of events from `from` on; undefined at the end of the log. */
  #read(prefix: string, from: number): OlderPage | Promise<OlderPage> | undefined {
    if (from > this.#revision) return undefined;
    if (from <= this.#compacted) throw new CompactedError(this.#compacted);
    if (from < this.#tailStart) {
      if (!this.#options.readOlder) throw new CompactedError(this.#compacted);
      return this.#options.readOlder(prefix, from);
    }
    const events: StoreEvent[] = [];
    let last = from - 1;
    for (let index = this.#find(from); index < this.#tail.length && events.length < pageEvents; index++) {
      select(this.#tail[index]!, prefix, from, events);
      last = this.#tail[index]!.last;
    }
    return { events, last };
  }

  /** Position in the tail of the batch that holds `revision`. */
  #find(revision: number): number {
    let low = 0;
    let high = this.#tail.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#tail[middle]!.last < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #dropOldest(): void {
    const oldest = this.#tail.shift()!;
    this.#tailBytes -= oldest.bytes;
    this.#tailStart = oldest.last + 1;
  }
}

interface LogAccess {
  read(prefix: string, from: number): OlderPage | Promise<OlderPage> | undefined;
  /** False when the log is closed. */
  park(): unknown;
  unpark(): void;
}

type Result = IteratorResult<readonly StoreEvent[], undefined>;

/** One watcher. Hand-written rather than a generator: an event reaches its reader in the microtask after `offer`. */
class Cursor implements AsyncIterator<readonly StoreEvent[], undefined> {
  readonly #options: WatchOptions;
  readonly #log: LogAccess;
  #next: number;
  #deliver: ((result: Result) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #isDone = false;

  constructor(options: WatchOptions, start: number, log: LogAccess) {
    this.#options = options;
    this.#next = start;
    this.#log = log;
    if (options.signal.aborted) this.#isDone = true;
    else options.signal.addEventListener('abort', this.end, { once: true });
  }

  next(): Promise<Result> {
    if (this.#isDone) return Promise.resolve({ done: true, value: undefined });
    try {
      const page = this.#log.read(this.#options.prefix, this.#next);
      if (page === undefined) return this.#wait();
      if (page instanceof Promise) return this.#continueWith(page);
      this.#next = page.last + 1;
      return page.events.length > 0 ? Promise.resolve({ done: false, value: page.events }) : this.#wait();
    } catch (error) {
      this.end();
      return Promise.reject(error);
    }
  }

  return(): Promise<Result> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Called while parked, with what has just been committed. */
  offer(batch: Batch): void {
    const events: StoreEvent[] = [];
    select(batch, this.#options.prefix, this.#next, events);
    this.#next = batch.last + 1;
    if (events.length > 0) this.#settle({ done: false, value: events });
    else this.#options.onProgress?.(batch.last);
  }

  readonly end = (): void => {
    this.#isDone = true;
    this.#options.signal.removeEventListener('abort', this.end);
    this.#settle({ done: true, value: undefined });
  };

  /** Called while parked. */
  fail(error: Error): void {
    this.#isDone = true;
    this.#options.signal.removeEventListener('abort', this.end);
    this.#log.unpark();
    this.#reject?.(error);
    this.#deliver = undefined;
  }

  #settle(result: Result): void {
    this.#log.unpark();
    this.#deliver?.(result);
    this.#deliver = undefined;
  }

  #wait(): Promise<Result> {
    if (this.#log.read(this.#options.prefix, this.#next) !== undefined) return this.next();
    if (!this.#log.park()) {
      this.end();
      return Promise.resolve({ done: true, value: undefined });
    }
    this.#options.onProgress?.(this.#next - 1);
    return new Promise((resolve, reject) => {
      this.#deliver = resolve;
      this.#reject = reject;
    });
  }

  async #continueWith(reading: Promise<OlderPage>): Promise<Result> {
    try {
      const page = await reading;
      if (this.#isDone) return { done: true, value: undefined };
      this.#next = page.last + 1;
      return page.events.length > 0 ? { done: false, value: page.events } : this.next();
    } catch (error) {
      this.end();
      throw error;
    }
  }
}

function select(batch: Batch, prefix: string, from: number, into: StoreEvent[]): void {
  for (const event of batch.events) {
    if (event.revision >= from && event.key.startsWith(prefix)) into.push(event);
  }
}

function weigh(events: readonly StoreEvent[]): number {
  let bytes = 64;
  for (const event of events) bytes += 64 + (event.value?.byteLength ?? 0) + (event.previous?.byteLength ?? 0);
  return bytes;
}
