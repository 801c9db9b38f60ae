// What the store holds and how it came to: every commit in order, parsed, handed to those who check. The hash of it all is
// what two runs of one seed have in common.
import { hash } from 'node:crypto';
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
  #digest = '';
  readonly #byResource = new Map<string, Map<string, StoredObject>>();
  readonly #listeners: ((change: Change) => void)[] = [];
  /** Uids of what exists now. */
  readonly uids = new Set<string>();
  /** The last commits, one line each. */
  readonly lines: string[] = [];
  readonly #nowMs: () => number;
  count = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  list(resource: string, namespace?: string): StoredObject[] {
    const all = [...(this.#byResource.get(resource)?.values() ?? [])];
    return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  find(resource: string, key: string): StoredObject | undefined {
    return this.#byResource.get(resource)?.get(key);
  }

  everything(): StoredObject[] {
    return [...this.#byResource.values()].flatMap((objects) => [...objects.values()]);
  }

  digest(): string {
    return this.#digest;
  }

  record(writes: readonly Write[], revision: number): void {
    for (const write of writes) this.#record(write, revision);
  }

  #record({ key, value }: Write, revision: number): void {
    // Addresses that are taken are no objects.
    if (!key.startsWith(root) || key.startsWith('/registry/ranges/')) return;
    this.count++;
    const text = value ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8') : '';
    this.#digest = hash('sha256', `${this.#digest} ${this.#nowMs()} ${revision} ${key} ${text}`);
    const [, resource = '', ...rest] = key.slice(root.length).split('/');
    const name = rest.join('/');
    const objects = this.#byResource.get(resource) ?? new Map<string, StoredObject>();
    this.#byResource.set(resource, objects);
    const before = objects.get(name);
    const after = value ? (JSON.parse(text) as StoredObject) : undefined;
    if (!before && !after) return;
    if (after) objects.set(name, after);
    else objects.delete(name);
    if (before && before.metadata?.uid !== after?.metadata?.uid) this.uids.delete(before.metadata.uid!);
    if (after?.metadata?.uid) this.uids.add(after.metadata.uid);
    const verb = !before ? 'created' : after ? 'changed' : 'deleted';
    const time = new Date(this.#nowMs()).toISOString().slice(11, 23);
    this.lines.push(`${time} r${revision} ${verb} ${resource}/${name} ${this.#digest.slice(0, 6)}`);
    if (this.lines.length > 2 * keptLines) this.lines.splice(0, keptLines);
    for (const listener of this.#listeners) listener({ revision, resource, key: name, before, after });
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
