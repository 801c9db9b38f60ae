import type { NodeView } from '../node-cache.ts';
import type { Snapshot } from '../plugin.ts';
import { Tally } from '../topology.ts';

/** Tallies by topology key, for those who learn only as they count which keys matter. */
export class TopologyTallies {
  readonly #snapshot: Snapshot;
  readonly #tallies = new Map<string, Tally>();
  #list: Tally[] = [];
  readonly #amounts = new Map<string, number>();

  constructor(snapshot: Snapshot, keys: Iterable<string> = []) {
    this.#snapshot = snapshot;
    for (const key of keys) this.of(key);
  }

  get isEmpty(): boolean {
    for (const tally of this.#list) if (!tally.isEmpty) return false;
    return true;
  }

  get all(): readonly Tally[] {
    return this.#list;
  }

  of(key: string): Tally {
    let tally = this.#tallies.get(key);
    if (!tally) {
      tally = new Tally(this.#snapshot.cache.topology(key));
      this.#tallies.set(key, tally);
      this.#list.push(tally);
    }
    return tally;
  }

  /** To be called for each thing on a node, then `give` once. */
  note(key: string, amount: number): void {
    this.#amounts.set(key, (this.#amounts.get(key) ?? 0) + amount);
  }

  /** The node gives what was noted, and nothing else. */
  give({ row }: NodeView): void {
    for (const key of this.#amounts.keys()) this.of(key);
    for (const tally of this.#list) tally.set(row, this.#amounts.get(tally.topology.key) ?? 0);
    this.#amounts.clear();
  }
}
