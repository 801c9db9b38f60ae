// What the store holds and how it came to: every commit in order, parsed, handed to those who check. The hash of it all is
// what two runs of one seed have in common.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { KubernetesObject } from '../../src/api/meta/object.ts';
import type { Store, Write } from '../../src/store/store.ts';

export interface Change {
  readonly revision: number;
  /** `pods`, `deployments`, … */
  readonly resource: string;
  readonly key: string;
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
}

export type StoredObject = KubernetesObject & Record<string, any>;

const root = '/registry/';
const keptLines = 20_000;

export class Ledger {
  readonly #hash = createHash('sha256');
  /** Of all so far: two runs differ from the line on where this does. */
  #checksum = 0;
  readonly #byResource = new Map<string, Map<string, Kept>>();
  readonly #listeners: ((change: Change) => void)[] = [];
  /** Uids of what exists now. */
  readonly uids = new Set<string>();
  readonly #lines: { readonly atMs: number; readonly text: string; readonly checksum: number }[] = [];
  readonly #nowMs: () => number;
  count = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Told every change of anything but events and leases. */
  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  /** The last commits, one line each. */
  get lines(): string[] {
    return this.#lines.map(({ atMs, text, checksum }) => {
      const time = new Date(atMs).toISOString().slice(11, 23);
      return `${time} ${text} ${checksum.toString(16).padStart(8, '0')}`;
    });
  }

  list(resource: string, namespace?: string): StoredObject[] {
    const all = [...(this.#byResource.get(resource)?.values() ?? [])].map(({ object }) => object);
    return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  find(resource: string, key: string): StoredObject | undefined {
    return this.#byResource.get(resource)?.get(key)?.object;
  }

  everything(): StoredObject[] {
    return [...this.#byResource.values()].flatMap((objects) => [...objects.values()].map(({ object }) => object));
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  record(writes: readonly Write[], revision: number): void {
    for (const write of writes) this.#record(write, revision);
  }

  #record({ key, value }: Write, revision: number): void {
    // Addresses that are taken are no objects.
    if (!key.startsWith(root) || key.startsWith('/registry/ranges/')) return;
    this.count++;
    const about = `${this.#nowMs()} ${revision} ${key}`;
    this.#hash.update(about);
    this.#checksum = crc32(about, this.#checksum);
    if (value) {
      this.#hash.update(value);
      this.#checksum = crc32(value, this.#checksum);
    }
    const [, resource = '', ...rest] = key.slice(root.length).split('/');
    const name = rest.join('/');
    const objects = this.#byResource.get(resource) ?? new Map<string, Kept>();
    this.#byResource.set(resource, objects);
    const before = objects.get(name);
    const after = value ? new Kept(value) : undefined;
    if (!before && !after) return;
    if (after) objects.set(name, after);
    else objects.delete(name);
    const verb = !before ? 'created' : after ? 'changed' : 'deleted';
    this.#lines.push({
      atMs: this.#nowMs(),
      text: `r${revision} ${verb} ${resource}/${name}`,
      checksum: this.#checksum,
    });
    if (this.#lines.length > 2 * keptLines) this.#lines.splice(0, keptLines);
    // They own nothing, and are half of all: they are not even parsed.
    if (resource === 'events' || resource === 'leases') return;
    const change: Change = { revision, resource, key: name, before: before?.object, after: after?.object };
    this.#noteUids(change.before, change.after);
    for (const listener of this.#listeners) listener(change);
  }

  #noteUids(before: StoredObject | undefined, after: StoredObject | undefined): void {
    const [was, is] = [before?.metadata?.uid, after?.metadata?.uid];
    if (was === is) return;
    if (was) this.uids.delete(was);
    if (is) this.uids.add(is);
  }
}

/** Parsed when somebody looks. */
class Kept {
  readonly #value: Uint8Array;
  #object: StoredObject | undefined;

  constructor(value: Uint8Array) {
    this.#value = value;
  }

  get object(): StoredObject {
    const { buffer, byteOffset, byteLength } = this.#value;
    this.#object ??= JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString('utf8')) as StoredObject;
    return this.#object;
  }
}

/** The same store; what is committed is written down, in order. */
export function recorded(store: Store, ledger: Ledger): Store {
  return new Proxy(store, {
    get(target, property) {
      if (property === 'commit') {
        return (writes: readonly Write[]) => {
          const before = target.revision;
          // The memory store commits before it gives its promise.
          const done = target.commit(writes);
          if (target.revision > before) ledger.record(writes, target.revision);
          return done;
        };
      }
      const value = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
