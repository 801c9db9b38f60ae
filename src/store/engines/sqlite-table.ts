// The revision table: one row a write, never changed, deleted only by compaction. Runs in the worker, synchronously.
// `place` is the revision and the position within its commit in one integer, so that the table itself is the commit log
// and the index on (key, place) finds any key at any revision.
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { CompactedError, FutureRevisionError, type StoredValue, type StoreEvent } from '../store.ts';
import { type CommitGroup, type GroupOutcome, joinValues, outcomes } from './sqlite-messages.ts';
import { WalFile } from './sqlite-wal-file.ts';

/** Most writes of one commit. */
export const placesPerRevision = 1024;

const pageBytes = 8192;
/** Pages the write-ahead log gathers before they go into the database. */
const walPages = 2000;
/** Each has a head there; the last commit before that may be a large one. */
const walBytes = (walPages + 200) * (pageBytes + 24);

/** What deletions may still use once the table is full. */
const reserveOf = (maxBytes: number) => Math.max(16 << 20, Math.ceil(maxBytes / 16));

const firstPlace = (revision: number) => revision * placesPerRevision;
const revisionOf = (place: number) => Math.floor(place / placesPerRevision);

const schema = `
  create table if not exists log (
    place integer primary key,
    key text not null,
    created integer not null,
    value blob,
    checksum integer not null
  ) strict;
  create index if not exists log_key on log (key, place);
  create table if not exists state (
    id integer primary key check (id = 1),
    format integer not null,
    revision integer not null,
    compacted integer not null,
    swept integer not null
  ) strict;
  insert or ignore into state values (1, 1, 1, 0, 0);
`;

/**
 * Live keys of a prefix at a revision, in their order: the newest place of each key, then its row. The cross join keeps
 * that order, so that a page costs what it holds; ordered outside, each page would sort all that is left.
 */
const liveRows = `
  from (
    select key, max(place) as newest from log where key > ? and key >= ? and key < ? and place < ? group by key order by key
  ) as latest
  cross join log on log.place = latest.newest where log.value is not null
`;

export interface TableOptions {
  readonly file: string;
  readonly cacheKilobytes: number;
  /** From here on only deletions are taken: they need a little room themselves. */
  readonly maxBytes: number;
}

export class LogTable {
  readonly #db: DatabaseSync;
  readonly #maxBytes: number;
  readonly #newest: StatementSync;
  readonly #newestAt: StatementSync;
  readonly #insert: StatementSync;
  readonly #saveRevision: StatementSync;
  readonly #page: StatementSync;
  readonly #rest: StatementSync;
  readonly #log: StatementSync;
  readonly #sweepScan: StatementSync;
  readonly #sweepOlder: StatementSync;
  readonly #sweepOne: StatementSync;
  readonly #pageCount: StatementSync;
  readonly #freeCount: StatementSync;
  readonly #wal: WalFile;
  /** Where the last reader that was told how much remains has got to. */
  #counted: { prefix: string; revision: number; last: string; remaining: number } | undefined;
  #revision: number;
  #compacted: number;
  #swept: number;

  constructor({ file, cacheKilobytes, maxBytes }: TableOptions) {
    prepareFile(file);
    this.#db = new DatabaseSync(file);
    // Of synchronous only what checkpoints need: commits are flushed here.
    this.#db.exec(`
      pragma locking_mode = exclusive;
      pragma page_size = ${pageBytes};
      pragma journal_mode = wal;
      pragma synchronous = normal;
      pragma wal_autocheckpoint = ${walPages};
      pragma journal_size_limit = 33554432;
      pragma cache_size = -${cacheKilobytes};
      pragma temp_store = memory;
      pragma max_page_count = ${Math.ceil((maxBytes + reserveOf(maxBytes)) / pageBytes)};
    `);
    this.#maxBytes = maxBytes;
    this.#db.exec(schema);
    this.#wal = new WalFile(`${file}-wal`, walBytes);
    const prepare = (sql: string) => {
      const statement = this.#db.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#newest = prepare('select place, created, value, checksum from log where key = ? order by place desc limit 1');
    this.#newestAt = prepare(
      'select place, created, value, checksum from log where key = ? and place < ? order by place desc limit 1',
    );
    this.#insert = prepare('insert into log (place, key, created, value, checksum) values (?, ?, ?, ?, ?)');
    this.#saveRevision = prepare('update state set revision = ?');
    this.#page = prepare(`select log.place, log.key, log.created, log.value, log.checksum ${liveRows} limit ?`);
    this.#rest = prepare(`select count(*) ${liveRows}`);
    this.#log = prepare(
      'select place, key, value, checksum from log where place >= ? and place < ? and key >= ? and key < ? order by place',
    );
    this.#sweepScan = prepare(
      'select place, key, value is null from log where place > ? and place < ? order by place limit ?',
    );
    this.#sweepOlder = prepare('delete from log where key = ? and place < ?');
    this.#pageCount = prepare('pragma page_count');
    this.#freeCount = prepare('pragma freelist_count');
    this.#sweepOne = prepare('delete from log where place = ?');
    [this.#revision, this.#compacted, this.#swept] = this.#checkState();
  }

  get revision(): number {
    return this.#revision;
  }

  get compacted(): number {
    return this.#compacted;
  }

  get isSwept(): boolean {
    return this.#swept >= firstPlace(this.#compacted + 1) - 1;
  }

  /** Commits a group in one transaction, on disk when this returns. Each commit of the group stands or falls alone. */
  commit(group: CommitGroup): GroupOutcome {
    const before = this.#revision;
    try {
      return this.#transaction(() => {
        const outcome = this.#apply(group);
        if (this.#revision !== before) this.#saveRevision.run(this.#revision);
        return outcome;
      });
    } catch (error) {
      this.#revision = before;
      throw error;
    }
  }

  get(key: string, revision: number): StoredValue | undefined {
    const at = this.#readable(revision);
    const row = this.#newestAt.get(key, firstPlace(at + 1)) as unknown as NewestRow | undefined;
    return row ? stored(key, row) : undefined;
  }

  range(query: { prefix: string; after: string; limit: number; revision: number; isCounted: boolean }) {
    const revision = this.#readable(query.revision);
    const end = prefixEnd(query.prefix);
    const before = firstPlace(revision + 1);
    const items: StoredValue[] = [];
    const found = this.#page.all(query.after, query.prefix, end, before, query.limit) as unknown as PageRow[];
    for (const [place, key, created, value, checksum] of found) {
      verify(key, value, checksum);
      items.push({ key, value: value!, modRevision: revisionOf(place), createRevision: created });
    }
    const last = items.at(-1)?.key;
    if (last === undefined || items.length < query.limit) return { items, revision, remaining: 0 };
    // Counting costs as much as reading the keys: whoever pages through is counted once.
    const counted = this.#counted;
    const isContinued =
      counted?.prefix === query.prefix && counted.revision === revision && counted.last === query.after;
    let remaining = isContinued ? counted.remaining - items.length : 0;
    if (!isContinued && query.isCounted)
      [remaining] = this.#rest.get(last, query.prefix, end, before) as unknown as [number];
    if (isContinued || query.isCounted) this.#counted = { prefix: query.prefix, revision, last, remaining };
    return { items, revision, remaining: query.isCounted ? remaining : 0 };
  }

  /** Events of a prefix over a bounded stretch of the log. */
  readLog(prefix: string, from: number): { events: StoreEvent[]; last: number } {
    if (from <= this.#compacted) throw new CompactedError(this.#compacted);
    const last = Math.min(this.#revision, from + 499);
    const rows = this.#log.all(
      firstPlace(from),
      firstPlace(last + 1),
      prefix,
      prefixEnd(prefix),
    ) as unknown as LogRow[];
    const events = rows.map(([place, key, value, checksum]): StoreEvent => {
      verify(key, value, checksum);
      const earlier = this.#newestAt.get(key, place) as unknown as NewestRow | undefined;
      const previous = earlier?.[2] ? { previous: earlier[2] } : {};
      const revision = revisionOf(place);
      return value
        ? { type: 'put', key, revision, value, ...previous }
        : { type: 'delete', key, revision, ...previous };
    });
    return { events, last };
  }

  /** From now on the history before `revision` is refused; sweep() then removes it piece by piece. */
  compact(revision: number): void {
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision <= this.#compacted) return;
    this.#db.prepare('update state set compacted = ?').run(revision);
    this.#wal.flush();
    this.#compacted = revision;
  }

  /** Removes some superseded rows in one short transaction. True when none are left. */
  sweep(rowLimit = 200): boolean {
    const end = firstPlace(this.#compacted + 1);
    const rows = this.#sweepScan.all(this.#swept, end, rowLimit) as unknown as [number, string, number][];
    const swept = rows.length < rowLimit ? end - 1 : rows.at(-1)![0];
    this.#transaction(() => {
      for (const [place, key, isDeletion] of rows) {
        this.#sweepOlder.run(key, place);
        if (isDeletion) this.#sweepOne.run(place);
      }
      this.#db.prepare('update state set swept = ?').run(swept);
    });
    this.#swept = swept;
    return this.isSwept;
  }

  sizeBytes(): number {
    const [pages] = this.#pageCount.get() as unknown as [number];
    const [free] = this.#freeCount.get() as unknown as [number];
    return (pages - free) * pageBytes;
  }

  /** Puts keys of a snapshot in, each at its own revision; `next` counts the places taken of each. */
  load(items: readonly StoredValue[], next: Map<number, number>): void {
    if (this.#revision !== 1) throw new Error('only an empty store can be filled from a snapshot');
    this.#transaction(() => {
      for (const { key, value, modRevision, createRevision } of items) {
        const index = next.get(modRevision) ?? 0;
        if (index >= placesPerRevision) throw new Error(`no place for ${key} in the store`);
        next.set(modRevision, index + 1);
        this.#insert.run(firstPlace(modRevision) + index, key, createRevision, value, checksumOf(key, value));
      }
    });
  }

  /** After load(): goes on at `revision`; what is older is compacted, so that whoever comes with it begins anew. */
  finishLoad(revision: number): void {
    const swept = firstPlace(revision + 1) - 1;
    this.#db.prepare('update state set revision = ?, compacted = ?, swept = ?').run(revision, revision, swept);
    this.#wal.flush();
    [this.#revision, this.#compacted, this.#swept] = this.#checkState();
  }

  close(): void {
    this.#wal.close();
    this.#db.close();
  }

  #transaction<T>(body: () => T): T {
    this.#db.exec('begin immediate');
    try {
      const result = body();
      this.#db.exec('commit');
      this.#wal.flush();
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback');
      throw error;
    }
  }

  #apply(group: CommitGroup): GroupOutcome {
    const revisions: number[] = [];
    const previous: number[] = [];
    const replaced: (Uint8Array | undefined)[] = [];
    const failures: GroupOutcome['failures'] = new Map();
    const isFull = this.sizeBytes() >= this.#maxBytes;
    let write = 0;
    let at = 0;
    for (const [position, count] of group.counts.entries()) {
      const end = write + count;
      const current = group.keys
        .slice(write, end)
        .map((key) => this.#newest.get(key) as unknown as NewestRow | undefined);
      const lost = current.findIndex((row, index) => !holds(group.conditions[write + index]!, row));
      const isRefused = lost < 0 && isFull && current.some((_, index) => group.lengths[write + index]! >= 0);
      const isDropped = lost >= 0 || isRefused;
      const isWritten = !isDropped && current.some((row, index) => row?.[2] || group.lengths[write + index]! >= 0);
      const revision = this.#revision + (isWritten ? 1 : 0);
      if (lost >= 0) {
        const key = group.keys[write + lost]!;
        failures.set(position, { key, current: current[lost] && stored(key, current[lost]) });
      }
      for (let index = 0; write < end; write++, index++) {
        const length = group.lengths[write]!;
        const before = current[index]?.[2] ?? undefined;
        const skipped = isDropped || (length < 0 && !before);
        if (!skipped) {
          const key = group.keys[write]!;
          const value = length < 0 ? null : group.data.subarray(at, at + length);
          const created = before ? current[index]![1] : revision;
          this.#insert.run(firstPlace(revision) + index, key, created, value, checksumOf(key, value));
        }
        previous.push(skipped ? -2 : before ? before.byteLength : -1);
        replaced.push(skipped ? undefined : before);
        if (length > 0) at += length;
      }
      this.#revision = revision;
      revisions.push(lost >= 0 ? outcomes.lost : isRefused ? outcomes.full : revision);
    }
    return { revision: this.#revision, revisions, previous, data: joinValues(replaced), failures };
  }

  #readable(revision: number): number {
    if (!revision) return this.#revision;
    if (revision > this.#revision) throw new FutureRevisionError(this.#revision);
    if (revision < this.#compacted) throw new CompactedError(this.#compacted);
    return revision;
  }

  /** Reads the counters and checks that they agree with the table. */
  #checkState(): [revision: number, compacted: number, swept: number] {
    const row = this.#db
      .prepare('select format, revision, compacted, swept, (select max(place) from log) as newest from state')
      .get()!;
    const { format, revision, compacted, swept } = row as Record<string, number>;
    if (format !== 1) throw new Error(`the store has format ${format}; this version knows format 1`);
    const newest = Number(row['newest'] ?? 0);
    if (revisionOf(newest) > revision! || compacted! > revision! || swept! >= firstPlace(compacted! + 1)) {
      throw new Error(
        `the store is damaged: revision ${revision}, newest ${newest}, compacted ${compacted}, swept ${swept}`,
      );
    }
    return [revision!, compacted!, swept!];
  }
}

type NewestRow = [place: number, created: number, value: Uint8Array | null, checksum: number];
type PageRow = [place: number, key: string, created: number, value: Uint8Array | null, checksum: number];
type LogRow = [place: number, key: string, value: Uint8Array | null, checksum: number];

function stored(key: string, [place, created, value, checksum]: NewestRow): StoredValue | undefined {
  if (!value) return undefined;
  verify(key, value, checksum);
  return { key, value, modRevision: revisionOf(place), createRevision: created };
}

function holds(condition: number, row: NewestRow | undefined): boolean {
  return condition < 0 || condition === (row?.[2] ? revisionOf(row[0]) : 0);
}

function checksumOf(key: string, value: Uint8Array | null): number {
  return value ? crc32(value, crc32(key)) : crc32(key);
}

function verify(key: string, value: Uint8Array | null, checksum: number): void {
  if (checksumOf(key, value) !== checksum) throw new Error(`the stored value of ${key} is damaged`);
}

/** The first string that comes after every string with this prefix. */
function prefixEnd(prefix: string): string {
  if (prefix === '') return '\u{10ffff}';
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

/** Nobody else may read the store: SQLite gives its other files the rights of the first. */
function prepareFile(file: string): void {
  const directory = dirname(file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  for (const [path, mode] of [
    [directory, 0o700],
    [file, 0o600],
  ] as const) {
    if ((statSync(path).mode & 0o777) !== mode) chmodSync(path, mode);
  }
}
