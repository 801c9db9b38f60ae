// The embedded engine: SQLite in a worker thread. This half gathers writes into groups, hands the commit log to the
// watchers and answers the callers; the database is the worker's alone (sqlite-worker.ts, sqlite-table.ts).
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../base/worker-url.ts';
import { CommitLog } from '../commit-log.ts';
import {
  CompactedError,
  CompareFailedError,
  FutureRevisionError,
  NoSpaceError,
  OverloadedError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoredValue,
  type StoreEvent,
  type WatchOptions,
  type Write,
} from '../store.ts';
import { refuseRepeatedKeys } from '../writes.ts';
import {
  type CommitGroup,
  type FromWorker,
  type GroupOutcome,
  joinValues,
  outcomes,
  type Query,
  type StoreFailure,
} from './sqlite-messages.ts';

export interface SqliteStoreOptions {
  /** The database file; its directory is made when it is missing. */
  readonly file: string;
  /** Page cache; default 8 MB. */
  readonly cacheKilobytes?: number;
  /** Where all but deletions are refused; default 8 GiB. Compaction makes room again. */
  readonly maxBytes?: number;
  /** How much of the commit log stays in memory; default 4 MB. */
  readonly tailBytes?: number;
  /** Called when the disk failed and nothing may go on; must not return. Default: says why and ends the process. */
  readonly onFatal?: (error: Error) => void;
}

/** Groups on their way to the worker: one is being committed while the next one travels. */
const groupsInFlight = 2;
const writesPerGroup = 1000;
const pendingLimit = { commits: 20_000, bytes: 64 << 20 };
const rowsPerPage = 500;
const defaultMaxBytes = 8 * 2 ** 30;

export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { file, cacheKilobytes = 8192, maxBytes = defaultMaxBytes } = options;
  const worker = new Worker(workerUrl('sqlite-worker'), {
    name: 'store',
    workerData: { file, cacheKilobytes, maxBytes },
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const first = await new Promise<FromWorker>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  if (first.type === 'opened') return new SqliteStore(worker, options, first);
  await worker.terminate();
  throw new Error(first.type === 'fatal' ? first.message : 'the store did not open');
}

interface PendingCommit {
  readonly writes: readonly Write[];
  readonly resolve: (result: { revision: number }) => void;
  readonly reject: (error: Error) => void;
}

interface PendingQuery {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

class SqliteStore implements Store {
  readonly quotaBytes: number;
  readonly #worker: Worker;
  readonly #onFatal: (error: Error) => void;
  readonly #log: CommitLog;
  /** Commits not yet sent. */
  readonly #outbox: PendingCommit[] = [];
  /** Groups sent and not yet answered, oldest first. */
  readonly #sent: PendingCommit[][] = [];
  readonly #queries = new Map<number, PendingQuery>();
  #pendingCommits = 0;
  #pendingBytes = 0;
  #isFlushPlanned = false;
  #lastQuery = 0;
  #closing: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(worker: Worker, options: SqliteStoreOptions, opened: FromWorker & { type: 'opened' }) {
    this.#worker = worker;
    this.quotaBytes = options.maxBytes ?? defaultMaxBytes;
    this.#onFatal = options.onFatal ?? endProcess;
    this.#log = new CommitLog({
      revision: opened.revision,
      compactedRevision: opened.compacted,
      tailBytes: options.tailBytes ?? 4 << 20,
      readOlder: (prefix, from) => this.#ask({ type: 'log', prefix, from }),
    });
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => this.#fail(error as Error));
    worker.on('exit', () => this.#closing ?? this.#fail(new Error('the store thread ended')));
    if (!opened.isSwept) this.#sweep().catch(() => {}); // what failed here fails louder at the next write
  }

  get revision(): number {
    return this.#log.revision;
  }

  get compactedRevision(): number {
    return this.#log.compactedRevision;
  }

  async get(key: string, revision = 0): Promise<StoredValue | undefined> {
    return this.#ask<StoredValue | undefined>({ type: 'get', key, revision });
  }

  async range({ prefix, after = '', limit = 0, revision = 0, skipsCount = false }: RangeOptions): Promise<RangeResult> {
    const items: StoredValue[] = [];
    let at = revision;
    // In pages, also without a limit: between two of them the worker commits.
    for (let last = after; ; last = items.at(-1)!.key) {
      const wanted = limit ? Math.min(limit - items.length, rowsPerPage) : rowsPerPage;
      const isLast = limit > 0 && items.length + wanted >= limit;
      const isCounted = isLast && !skipsCount;
      const query = { type: 'range', prefix, after: last, limit: wanted, revision: at, isCounted } as const;
      const page = await this.#ask<RangeResult>(query);
      for (const item of page.items) items.push(item);
      at = page.revision;
      if (page.items.length < wanted || isLast) return { items, revision: at, remaining: page.remaining };
    }
  }

  commit(writes: readonly Write[]): Promise<{ revision: number }> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      refuseRepeatedKeys(writes);
      if (writes.length > writesPerGroup) throw new Error(`a commit holds at most ${writesPerGroup} writes`);
      if (this.#pendingCommits >= pendingLimit.commits || this.#pendingBytes >= pendingLimit.bytes) {
        throw new OverloadedError();
      }
      this.#pendingCommits++;
      this.#pendingBytes += weigh(writes);
      this.#outbox.push({ writes, resolve, reject });
      if (this.#isFlushPlanned) return;
      this.#isFlushPlanned = true;
      // After what this turn of the event loop has read: requests that arrived together share a group.
      setImmediate(() => this.#flush());
    });
  }

  watch(options: WatchOptions): AsyncIterable<readonly StoreEvent[]> {
    this.#checkOpen();
    return this.#log.watch(options);
  }

  async compact(revision: number): Promise<void> {
    await this.#ask({ type: 'compact', revision });
    if (revision > this.compactedRevision) this.#log.compacted(revision);
    await this.#sweep();
  }

  sizeBytes(): Promise<number> {
    return this.#ask<number>({ type: 'size' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#flush(Number.POSITIVE_INFINITY);
    this.#log.close();
    const isClosed = this.#query<void>({ type: 'close' });
    await isClosed;
    await this.#worker.terminate();
  }

  #checkOpen(): void {
    if (this.#failure) throw this.#failure;
    if (this.#closing) throw new Error('the store is closed');
  }

  async #ask<T>(query: Query): Promise<T> {
    this.#checkOpen();
    return this.#query<T>(query);
  }

  #query<T>(query: Query): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const id = ++this.#lastQuery;
      this.#queries.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, query });
    });
  }

  async #sweep(): Promise<void> {
    while (!this.#closing && !(await this.#ask<boolean>({ type: 'sweep' }))) {
      // One short transaction at a time; writes come in between.
    }
  }

  /** Sends what has gathered, as long as the worker is not more than a group behind. */
  #flush(inFlight = groupsInFlight): void {
    this.#isFlushPlanned = false;
    while (this.#outbox.length > 0 && this.#sent.length < inFlight) {
      const commits: PendingCommit[] = [];
      for (let writes = 0; this.#outbox.length > 0 && writes < writesPerGroup; ) {
        const commit = this.#outbox.shift()!;
        writes += commit.writes.length;
        commits.push(commit);
      }
      this.#sent.push(commits);
      const group = pack(commits);
      this.#worker.postMessage({ type: 'commit', group }, [group.data.buffer]);
    }
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'committed':
        this.#acknowledge(this.#takeSent(), message.outcome);
        this.#flush();
        return;
      case 'refused':
        for (const commit of this.#takeSent()) commit.reject(new NoSpaceError({ cause: message.message }));
        this.#flush();
        return;
      case 'answer':
        this.#queries.get(message.id)?.resolve(message.value);
        this.#queries.delete(message.id);
        return;
      case 'failure':
        this.#queries.get(message.id)?.reject(errorOf(message.failure));
        this.#queries.delete(message.id);
        return;
      case 'fatal':
        this.#fail(new Error(message.message));
        return;
    }
  }

  #takeSent(): PendingCommit[] {
    const commits = this.#sent.shift()!;
    for (const { writes } of commits) this.#pendingBytes -= weigh(writes);
    this.#pendingCommits -= commits.length;
    return commits;
  }

  /** Watchers first: their callbacks are queued before those of the writers. */
  #acknowledge(commits: readonly PendingCommit[], outcome: GroupOutcome): void {
    const events = eventsOf(commits, outcome);
    if (events.length > 0) this.#log.append(outcome.revision, events);
    for (const [position, commit] of commits.entries()) {
      const failure = outcome.failures.get(position);
      if (failure) commit.reject(new CompareFailedError(failure.key, failure.current));
      else if (outcome.revisions[position] === outcomes.full) commit.reject(new NoSpaceError());
      else commit.resolve({ revision: outcome.revisions[position]! });
    }
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const commit of [...this.#sent.flat(), ...this.#outbox]) commit.reject(error);
    for (const query of this.#queries.values()) query.reject(error);
    this.#log.close();
    this.#onFatal(error);
  }
}

function pack(commits: readonly PendingCommit[]): CommitGroup {
  const keys: string[] = [];
  const conditions: number[] = [];
  const lengths: number[] = [];
  const values: (Uint8Array | undefined)[] = [];
  for (const { writes } of commits) {
    for (const { key, value, ifRevision } of writes) {
      keys.push(key);
      conditions.push(ifRevision ?? -1);
      lengths.push(value ? value.byteLength : -1);
      values.push(value);
    }
  }
  return { counts: commits.map((commit) => commit.writes.length), keys, conditions, lengths, data: joinValues(values) };
}

function eventsOf(commits: readonly PendingCommit[], outcome: GroupOutcome): StoreEvent[] {
  const events: StoreEvent[] = [];
  let write = 0;
  let at = 0;
  for (const [position, { writes }] of commits.entries()) {
    for (const { key, value } of writes) {
      const length = outcome.previous[write++]!;
      if (length === -2) continue;
      const previous = length >= 0 ? { previous: outcome.data.subarray(at, at + length) } : {};
      if (length > 0) at += length;
      const revision = outcome.revisions[position]!;
      events.push(
        value ? { type: 'put', key, revision, value, ...previous } : { type: 'delete', key, revision, ...previous },
      );
    }
  }
  return events;
}

function weigh(writes: readonly Write[]): number {
  let bytes = 0;
  for (const { key, value } of writes) bytes += key.length + (value?.byteLength ?? 0);
  return bytes;
}

function errorOf(failure: StoreFailure): Error {
  if (failure.type === 'compacted') return new CompactedError(failure.revision);
  if (failure.type === 'future') return new FutureRevisionError(failure.revision);
  return new Error(failure.message);
}

function endProcess(error: Error): void {
  process.stderr.write(`store: ${error.message}\n`);
  process.exit(74);
}
