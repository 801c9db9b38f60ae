// Why the nodes would not do: for each node a small number, and what the numbers mean.
import type { NodeCache, NodeView } from './node-cache.ts';
import type { Filter, Refusal } from './plugin.ts';

/** What one plugin said of a node. */
export interface Verdict {
  readonly refusals: readonly Refusal[];
  /** Absent: the node will do. */
  readonly filter?: Filter;
}

export const willDo: Verdict = { refusals: [] };

/** Verdicts by number; 0 is `willDo`. Few are different, so many nodes share one. */
export class Verdicts {
  readonly #all: Verdict[] = [willDo];
  readonly #numbers = new Map<readonly Refusal[], number>();
  readonly #byText = new Map<string, number>();

  get count(): number {
    return this.#all.length;
  }

  get(number: number): Verdict {
    return this.#all[number]!;
  }

  /** The number of what a plugin said. */
  numberOf(filter: Filter, refusals: readonly Refusal[]): number {
    if (refusals.length === 0) return 0;
    const known = this.#numbers.get(refusals);
    if (known !== undefined) return known;
    const text = `${filter.name} ${JSON.stringify(refusals)}`;
    let number = this.#byText.get(text);
    if (number === undefined) {
      number = this.#all.length;
      this.#all.push({ refusals, filter });
      this.#byText.set(text, number);
      // The plugin's own constant, most of the time: found without its text from now on.
      this.#numbers.set(refusals, number);
    }
    return number;
  }
}

/** Reads refusals of one decision; good until nodes change. */
export class Refusals {
  readonly #cache: NodeCache;
  readonly #verdicts: Verdicts;
  /** By row: the number of the verdict. */
  readonly #numbers: Uint16Array;
  /** Verdicts that are about this pod alone. */
  readonly #others: ReadonlyMap<number, Verdict>;

  constructor(cache: NodeCache, verdicts: Verdicts, numbers: Uint16Array, others: ReadonlyMap<number, Verdict>) {
    this.#cache = cache;
    this.#verdicts = verdicts;
    this.#numbers = numbers;
    this.#others = others;
  }

  /** Of the node with the name. */
  get(name: string): readonly Refusal[] | undefined {
    const node = this.#cache.find(name);
    return node && this.of(node);
  }

  of({ row }: NodeView): readonly Refusal[] {
    return this.#verdict(row).refusals;
  }

  /** The nodes where other pods' going could help. */
  hopeful(): readonly NodeView[] {
    const { nodes } = this.#cache;
    const isFinal = (verdict: Verdict) => verdict.refusals.some((refusal) => refusal.isFinal);
    const finals = Array.from({ length: this.#verdicts.count }, (_, number) => isFinal(this.#verdicts.get(number)));
    if (this.#others.size === 0 && !finals.includes(true)) return nodes;
    return nodes.filter(({ row }) => {
      const other = this.#others.size > 0 ? this.#others.get(row) : undefined;
      return !(other ? isFinal(other) : finals[this.#numbers[row]!]);
    });
  }

  /** How many nodes gave each reason. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    this.#eachVerdict(({ refusals }, nodes) => {
      for (const { reason } of refusals) counts.set(reason, (counts.get(reason) ?? 0) + nodes);
    });
    return counts;
  }

  /** The plugins that refused. */
  filters(): Set<Filter> {
    const filters = new Set<Filter>();
    this.#eachVerdict(({ filter }) => filter && filters.add(filter));
    return filters;
  }

  #verdict(row: number): Verdict {
    const other = this.#others.size > 0 ? this.#others.get(row) : undefined;
    return other ?? this.#verdicts.get(this.#numbers[row] ?? 0);
  }

  #eachVerdict(each: (verdict: Verdict, nodes: number) => void): void {
    const numbers = this.#numbers;
    const nodes = new Int32Array(this.#verdicts.count);
    for (const row of this.#cache.order) nodes[numbers[row]!]!++;
    for (const row of this.#others.keys()) nodes[numbers[row]!]!--;
    nodes.forEach((count, number) => {
      if (count > 0) each(this.#verdicts.get(number), count);
    });
    for (const verdict of this.#others.values()) each(verdict, 1);
  }
}
