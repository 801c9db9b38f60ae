// etcd as the store: what several API servers share. Reads and writes are calls; one watch feeds the commit log, and a
// write is acknowledged once that watch has brought it.
import type { Random } from '../../../base/random.ts';
import { systemRandom } from '../../../base/random.ts';
import { CommitLog } from '../../commit-log.ts';
import {
  CompactedError,
  CompareFailedError,
  FutureRevisionError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoredValue,
  type StoreEvent,
  UnavailableError,
  type WatchOptions,
  type Write,
} from '../../store.ts';
import { refuseRepeatedKeys } from '../../writes.ts';
import { EtcdConnection, type EtcdConnectionOptions } from './etcd-connection.ts';
import { EtcdFeed } from './etcd-feed.ts';
import { EtcdKeys } from './etcd-keys.ts';
import { EtcdLeases } from './etcd-leases.ts';
import { readOlder } from './etcd-older.ts';
import { alarmAction, alarmType, compareResult, compareTarget } from './etcd-schema.ts';
import { answersProgress } from './etcd-version.ts';

export interface EtcdStoreOptions extends EtcdConnectionOptions {
  /** Put before every key; default none. */
  readonly prefix?: string;
  /** All keys of the store start with this; default `/`. */
  readonly root?: string;
  /** How much of the commit log stays in memory; default 16 MB. */
  readonly tailBytes?: number;
  readonly random?: Random;
  readonly nowMs?: () => number;
}

const rowsPerPage = 500;
const openAttempts = 15;
const openPauseMs = 200;
/** How long a revision may take to come over the watch by itself. */
const patienceMs = { first: 20, again: 200, firstWrite: 300, most: 10_000 };
/** Where servers on one etcd agree on who compacts; upstream's use the same key. */
const compactKey = Buffer.from('compact_rev_key');

/** @throws UnavailableError when no endpoint answers */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<Store> {
  const connection = new EtcdConnection(options);
  try {
    const { version, dbSizeQuota } = await firstAnswer(connection);
    const { header } = await connection.call('range', { key: compactKey, keysOnly: true });
    return new EtcdStore(options, connection, { version, revision: header.revision, quotaBytes: dbSizeQuota });
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** etcd may be starting beside us. */
async function firstAnswer(connection: EtcdConnection): Promise<any> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connection.call('status', {});
    } catch (error) {
      if (attempt === openAttempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, openPauseMs));
    }
  }
}

interface Found {
  readonly version: string;
  readonly revision: number;
  readonly quotaBytes: number;
}

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class EtcdStore implements Store {
  readonly expiresKeys = true;
  readonly quotaBytes: number | undefined;
  readonly #connection: EtcdConnection;
  readonly #keys: EtcdKeys;
  readonly #root: string;
  readonly #log: CommitLog;
  readonly #feed: EtcdFeed;
  readonly #feeding: Promise<void>;
  readonly #leases: EtcdLeases;
  readonly #answersProgress: boolean;
  readonly #stopping = new AbortController();
  #waiters: Waiter[] = [];
  #nudge: NodeJS.Timeout | undefined;
  #asked: Promise<number> | undefined;
  #askedNext: Promise<number> | undefined;
  #claims = 0;
  /** Revision of the newest event the watch has brought; 0: none yet. */
  #lastEvent = 0;
  #failure: Error | undefined;

  constructor(options: EtcdStoreOptions, connection: EtcdConnection, { version, revision, quotaBytes }: Found) {
    this.#connection = connection;
    this.#keys = new EtcdKeys(options.prefix ?? '');
    this.#root = options.root ?? '/';
    this.quotaBytes = quotaBytes || undefined;
    this.#leases = new EtcdLeases(connection, options.random ?? systemRandom, options.nowMs ?? Date.now);
    this.#answersProgress = answersProgress(version);
    this.#log = new CommitLog({
      revision,
      compactedRevision: 0,
      tailBytes: options.tailBytes ?? 16 << 20,
      readOlder: (prefix, from) => this.#readOlder(prefix, from),
    });
    this.#feed = new EtcdFeed({
      connection,
      keys: this.#keys,
      root: this.#root,
      revision,
      onEvents: (last, events) => {
        if (events.length > 0) this.#lastEvent = last;
        this.#log.append(last, events);
        this.#wake();
      },
      onLost: () => this.#startAnew(),
      signal: this.#stopping.signal,
    });
    this.#feeding = this.#feed.run();
  }

  get revision(): number {
    return this.#log.revision;
  }

  get problem(): string | undefined {
    return this.#feed.isConnected ? undefined : 'etcd is not reachable';
  }

  get compactedRevision(): number {
    return this.#log.compactedRevision;
  }

  async get(key: string, revision = 0): Promise<StoredValue | undefined> {
    const { kvs } = await this.#range({ key: this.#keys.encode(key) }, revision);
    return kvs[0] && this.#stored(kvs[0]);
  }

  async range({ prefix, after, limit = 0, revision = 0 }: RangeOptions): Promise<RangeResult> {
    const items: StoredValue[] = [];
    let at = revision;
    let last = after;
    // In pages, also without a limit: one answer holds what fits into memory twice.
    for (;;) {
      const size = limit ? Math.min(limit - items.length, rowsPerPage) : rowsPerPage;
      const bounds = last === undefined ? this.#keys.under(prefix) : this.#keys.after(prefix, last);
      const { kvs, count, header } = await this.#range({ ...bounds, limit: size }, at);
      for (const kv of kvs) items.push(this.#stored(kv));
      at ||= header.revision;
      const remaining = count - kvs.length;
      if (remaining <= 0 || (limit > 0 && items.length >= limit)) {
        // Whoever read the newest may watch what follows it: another server's write must have come over the watch.
        if (!revision) await this.#delivered(at);
        return { items, revision: at, remaining: Math.max(0, remaining) };
      }
      last = items.at(-1)!.key;
    }
  }

  async commit(writes: readonly Write[]): Promise<{ revision: number }> {
    this.#checkOpen();
    refuseRepeatedKeys(writes);
    const compared = writes.filter(({ ifRevision }) => ifRevision !== undefined);
    const success = await Promise.all(writes.map((write) => this.#operation(write)));
    const answer = await this.#connection.call('txn', {
      compare: compared.map(({ key, ifRevision }) => ({
        result: compareResult.equal,
        target: compareTarget.mod,
        key: this.#keys.encode(key),
        modRevision: ifRevision,
      })),
      success,
      failure: compared.map(({ key }) => ({ requestRange: { key: this.#keys.encode(key) } })),
    });
    if (!answer.succeeded) throw this.#lost(compared, answer.responses);
    const { revision } = answer.header;
    await this.#delivered(revision);
    return { revision };
  }

  async #operation({ key, value, ttlSeconds }: Write): Promise<object> {
    const name = this.#keys.encode(key);
    if (!value) return { requestDeleteRange: { key: name } };
    const lease = ttlSeconds ? { lease: await this.#leases.lease(ttlSeconds) } : {};
    return { requestPut: { key: name, value, ...lease } };
  }

  #lost(compared: readonly Write[], responses: readonly any[]): CompareFailedError {
    const found = responses.map(({ responseRange }) => responseRange?.kvs[0]);
    const at = compared.findIndex(({ ifRevision }, index) => ifRevision !== (found[index]?.modRevision ?? 0));
    const index = Math.max(0, at);
    return new CompareFailedError(compared[index]!.key, found[index] && this.#stored(found[index]));
  }

  watch(options: WatchOptions): AsyncIterable<readonly StoreEvent[]> {
    this.#checkOpen();
    return this.#log.watch(options);
  }

  async #readOlder(prefix: string, from: number): Promise<{ events: readonly StoreEvent[]; last: number }> {
    const upTo = this.#lastEvent;
    // What happened before this process watched is not known to have an end that can be waited for.
    if (upTo === 0) throw new CompactedError(this.#log.revision);
    if (from > upTo) return { events: [], last: this.#log.revision };
    const [connection, keys, root] = [this.#connection, this.#keys, this.#root];
    return readOlder({ connection, keys, root, prefix, from, upTo, signal: this.#stopping.signal });
  }

  /** Asks etcd. Those who ask while a question is under way share the next one: theirs must be newer than they are. */
  head(): Promise<number> {
    this.#checkOpen();
    if (!this.#asked) {
      this.#asked = this.#askHead();
      return this.#asked;
    }
    this.#askedNext ??= this.#asked
      .catch(() => {})
      .then(() => {
        this.#askedNext = undefined;
        this.#asked = this.#askHead();
        return this.#asked;
      });
    return this.#askedNext;
  }

  async #askHead(): Promise<number> {
    const asked = this.#connection.call('range', { key: compactKey, keysOnly: true });
    const done = () => {
      if (!this.#askedNext) this.#asked = undefined;
    };
    asked.then(done, done);
    const { header } = await asked;
    await this.#delivered(header.revision);
    return header.revision;
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    if (revision > this.revision) throw new FutureRevisionError(this.revision);
    if (revision <= this.compactedRevision) return;
    await this.#connection.call('compact', { revision, physical: true }).catch((error) => {
      if (!(error instanceof CompactedError)) throw error; // another server was quicker
    });
    this.#log.compacted(revision);
    await this.#clearAlarm();
  }

  /** A full etcd stays closed to writes until its alarm is taken back; compaction has made room, so that is now. */
  async #clearAlarm(): Promise<void> {
    const { errors } = await this.#connection.call('status', {});
    if (errors.length === 0) return;
    const { alarms } = await this.#connection.call('alarm', { action: alarmAction.get });
    const full = alarms.filter(({ alarm }: { alarm: number }) => alarm === alarmType.noSpace);
    if (full.length === 0) return;
    await this.#connection.callEach('defragment', {});
    for (const { memberID } of full) {
      await this.#connection.call('alarm', { action: alarmAction.deactivate, memberID, alarm: alarmType.noSpace });
    }
  }

  async claimCompaction(revision: number): Promise<boolean> {
    this.#checkOpen();
    const answer = await this.#connection.call('txn', {
      compare: [{ result: compareResult.equal, target: compareTarget.version, key: compactKey, version: this.#claims }],
      success: [{ requestPut: { key: compactKey, value: Buffer.from(String(revision)) } }],
      failure: [{ requestRange: { key: compactKey } }],
    });
    if (answer.succeeded) {
      this.#claims++;
      return true;
    }
    const [found] = answer.responses[0].responseRange.kvs;
    this.#claims = found?.version ?? 0;
    // Whoever was quicker compacts to what it wrote there.
    const theirs = Number(found ? Buffer.from(found.value).toString() : 0);
    if (theirs > this.compactedRevision && theirs <= this.revision) this.#log.compacted(theirs);
    return false;
  }

  async sizeBytes(): Promise<number> {
    this.#checkOpen();
    const { dbSizeInUse, dbSize } = await this.#connection.call('status', {});
    return dbSizeInUse || dbSize;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= new Error('the store is closed');
    this.#stopping.abort();
    clearTimeout(this.#nudge);
    this.#log.close();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure);
    await this.#feeding;
    this.#connection.close();
  }

  #checkOpen(): void {
    if (this.#failure) throw this.#failure;
  }

  async #range(request: object, revision: number): Promise<any> {
    this.#checkOpen();
    try {
      return await this.#connection.call('range', { ...request, ...(revision ? { revision } : {}) });
    } catch (error) {
      if (error instanceof FutureRevisionError) throw new FutureRevisionError(this.revision);
      if (!(error instanceof CompactedError)) throw error;
      // etcd does not say how far it was compacted: further than this.
      if (this.compactedRevision <= revision) this.#log.compacted(revision + 1);
      throw new CompactedError(this.compactedRevision);
    }
  }

  #stored({ key, value, modRevision, createRevision }: any): StoredValue {
    return { key: this.#keys.decode(key), value, modRevision, createRevision };
  }

  /** Settles when the watch has brought everything up to `revision`. */
  #delivered(revision: number): Promise<void> | undefined {
    if (revision <= this.#log.revision) return undefined;
    this.#checkOpen();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(new UnavailableError('etcdserver: request timed out'));
      }, patienceMs.most);
      const settle = (then: () => void) => {
        clearTimeout(timer);
        then();
      };
      const waiter: Waiter = {
        revision,
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      this.#waiters.push(waiter);
      const { first, firstWrite } = patienceMs;
      this.#nudge ??= setTimeout(() => this.#askProgress(), this.#answersProgress ? first : firstWrite);
    });
  }

  #wake(): void {
    const { revision } = this.#log;
    const due = this.#waiters.filter((waiter) => waiter.revision <= revision);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of due) waiter.resolve();
    if (this.#waiters.length > 0) return;
    clearTimeout(this.#nudge);
    this.#nudge = undefined;
  }

  /** Revisions of others' keys never come over our watch: etcd is asked to say that it has passed them. */
  #askProgress(): void {
    this.#nudge = undefined;
    if (this.#waiters.length === 0 || this.#failure) return;
    if (this.#answersProgress) this.#feed.askProgress();
    else {
      // Such a server may say so too early: a write of our own comes after everything before it.
      const key = this.#keys.encode(`${this.#root}ranges/progress`);
      this.#connection.call('put', { key, value: Buffer.alloc(0) }).catch(() => {}); // asked again below
    }
    this.#nudge = setTimeout(() => this.#askProgress(), patienceMs.again);
  }

  /** Whoever watches must look at everything again. */
  async #startAnew(): Promise<number> {
    const { header } = await this.#connection.call('range', { key: compactKey, keysOnly: true });
    this.#lastEvent = 0;
    this.#log.restart(header.revision);
    this.#wake();
    return header.revision;
  }
}
