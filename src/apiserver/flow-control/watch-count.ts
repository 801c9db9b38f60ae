// How many watches a write would wake: of the resource, of its namespace, of the object itself.
import type { RequestInfo } from '../request-info.ts';

export class WatchCount {
  readonly #counts = new Map<string, number>();

  /** Dispose when the watch is over. `nodeName`: a watch of one node's pods is counted as none. */
  add(info: RequestInfo, isOfOneNode: boolean): Disposable {
    if (isOfOneNode) return { [Symbol.dispose]() {} };
    const key = keyOf(info, info.namespace, info.name);
    this.#change(key, 1);
    return { [Symbol.dispose]: () => this.#change(key, -1) };
  }

  #change(key: string, by: number): void {
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }

  interestedIn(info: RequestInfo): number {
    if (this.#counts.size === 0) return 0;
    const { namespace, name } = info;
    let count = this.#counts.get(keyOf(info, '', '')) ?? 0;
    if (namespace) count += this.#counts.get(keyOf(info, namespace, '')) ?? 0;
    if (name) count += this.#counts.get(keyOf(info, namespace, name)) ?? 0;
    return count;
  }
}

const keyOf = ({ group, resource }: RequestInfo, namespace: string, name: string) =>
  `${group}/${resource}/${namespace}/${name}`;
