// Everything in memory, for tests and throw-away clusters. Keeps each key's versions until compaction.
import { CommitLog } from '../commit-log.ts';
import { SortedKeys } from '../sorted-keys.ts';
import {
  CompactedError,
  CompareFailedError,
  FutureRevisionError,
  type RangeOptions,
  type RangeResult,
  type Store,
  type StoredValue,
  type StoreEvent,
  type WatchOptions,
  type Write,
} from '../store.ts';
import { refuseRepeatedKeys } from '../writes.ts';

/** One write of a key; without a value it is a deletion. */
interface Version {
  readonly revision: number;
  readonly stored?: StoredValue;
}

export function openMemoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly #versions = new Map<string, Version[]>();
  readonly #keys = new SortedKeys();
  readonly #log = new CommitLog({ revision: 1, compactedRevision: 0, tailBytes: Number.POSITIVE_INFINITY });
  #sizeBytes = 0;
  #isClosed = false;

  get revision(): number {
    return this.#log.revision;
  }

  get compactedRevision(): number {
    return this.#log.compactedRevision;
  }

  async get(key: string, revision?: number): Promise<StoredValue | undefined> {
    return this.#at(key, this.#readable(revision));
  }

  async range({ prefix, after, limit, revision, skipsCount }: RangeOptions): Promise<RangeResult> {
    const at = this.#readable(revision);
    const items: StoredValue[] = [];
    let remaining = 0;
    for (const key of this.#keys.under(prefix, after)) {
      const stored = this.#at(key, at);
      if (!stored) continue;
      if (limit && items.length >= limit) {
        if (skipsCount) break;
        remaining++;
      } else items.push(stored);
    }
    return { items, revision: at, remaining };
  }

  async commit(writes: readonly Write[]): Promise<{ revision: number }> {
    this.#checkOpen();
    refuseRepeatedKeys(writes);
    for (const write of writes) {
      const current = this.#at(write.key, this.revision);
      if (write.ifRevision !== undefined && write.ifRevision !== (current?.modRevision ?? 0)) {
        throw new CompareFailedError(write.key, current);
      }
    }
    const revision = this.revision + 1;
    const events: StoreEvent[] = [];
    for (const write of writes) {
      const event = this.#apply(write, revision);
      if (event) events.push(event);
    }
    if (events.length === 0) return { revision: this.revision };
    this.#log.append(revision, events);
    return { revision };
  }

  watch(options: WatchOptions): AsyncIterable<readonly StoreEvent[]> {
    this.#checkOpen();
    return this.#log.watch(options);
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    if (revision > this.revision) throw new FutureRevisionError(this.revision);
    if (revision <= this.compactedRevision) return;
    for (const [key, versions] of this.#versions) {
      const kept = versions.filter((version, index) => {
        const next = versions[index + 1];
        return version.revision > revision || (version.stored && (!next || next.revision > revision));
      });
      for (const version of versions) if (!kept.includes(version)) this.#sizeBytes -= weigh(version);
      if (kept.length > 0) this.#versions.set(key, kept);
      else {
        this.#versions.delete(key);
        this.#keys.delete(key);
      }
    }
    this.#log.compacted(revision);
  }

  async sizeBytes(): Promise<number> {
    return this.#sizeBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#log.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new Error('the store is closed');
  }

  #readable(revision: number | undefined): number {
    this.#checkOpen();
    if (!revision) return this.revision;
    if (revision > this.revision) throw new FutureRevisionError(this.revision);
    if (revision < this.compactedRevision) throw new CompactedError(this.compactedRevision);
    return revision;
  }

  #at(key: string, revision: number): StoredValue | undefined {
    const versions = this.#versions.get(key);
    if (!versions) return undefined;
    for (let index = versions.length - 1; index >= 0; index--)
      if (versions[index]!.revision <= revision) return versions[index]!.stored;
    return undefined;
  }

  /** Undefined when there was nothing to delete. */
  #apply({ key, value }: Write, revision: number): StoreEvent | undefined {
    const current = this.#at(key, revision);
    if (!value && !current) return undefined;
    const createRevision = current?.createRevision ?? revision;
    const version: Version = {
      revision,
      ...(value ? { stored: { key, value, modRevision: revision, createRevision } } : {}),
    };
    const versions = this.#versions.get(key);
    if (versions) versions.push(version);
    else {
      this.#versions.set(key, [version]);
      this.#keys.add(key);
    }
    this.#sizeBytes += weigh(version);
    const previous = current ? { previous: current.value } : {};
    return value ? { type: 'put', key, revision, value, ...previous } : { type: 'delete', key, revision, ...previous };
  }
}

function weigh(version: Version): number {
  return 64 + (version.stored ? version.stored.key.length + version.stored.value.byteLength : 0);
}
