// Where nodes are: for one label key, each node's value as a small number. Counts per value are kept in arrays (Tally)
// and changed by what changed on one node, never counted again over all.
import { grown } from './node-columns.ts';

/** The domains of one topology key. Numbers of values are given out once and stay. */
export class Topology {
  readonly key: string;
  /** By row: the number of the node's value, or -1. */
  domainOf: Int32Array;
  readonly #numbers = new Map<string, number>();

  constructor(key: string, capacity: number) {
    this.key = key;
    this.domainOf = new Int32Array(capacity).fill(-1);
  }

  /** Values seen so far. */
  get size(): number {
    return this.#numbers.size;
  }

  set(row: number, value: string | undefined): void {
    this.domainOf[row] = value === undefined ? -1 : this.#numberOf(value);
  }

  grow(capacity: number): void {
    this.domainOf = grown(this.domainOf, capacity, -1);
  }

  #numberOf(value: string): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(value, number);
    }
    return number;
  }
}

/** A sum for each domain of a topology, made of what each node gives to its own. */
export class Tally {
  readonly topology: Topology;
  #sums = new Float64Array(8);
  #given = new Float64Array(64);
  #givenTo = new Int32Array(64).fill(-1);
  #nonZero = 0;

  constructor(topology: Topology) {
    this.topology = topology;
  }

  /** No domain has anything. */
  get isEmpty(): boolean {
    return this.#nonZero === 0;
  }

  /** Of the node's domain; 0 where it has none. */
  at(row: number): number {
    const domain = this.topology.domainOf[row]!;
    return domain < 0 ? 0 : (this.#sums[domain] ?? 0);
  }

  /** What the node gives from now on. */
  set(row: number, amount: number): void {
    if (row >= this.#given.length) this.#growRows();
    const domain = amount === 0 ? -1 : this.topology.domainOf[row]!;
    const before = this.#givenTo[row]!;
    const had = this.#given[row]!;
    if (before === domain && (domain < 0 || had === amount)) return;
    if (before >= 0) this.#add(before, -had);
    this.#givenTo[row] = domain;
    this.#given[row] = amount;
    if (domain >= 0) this.#add(domain, amount);
  }

  #add(domain: number, amount: number): void {
    if (domain >= this.#sums.length)
      this.#sums = grown(this.#sums, Math.max(this.topology.size, 2 * this.#sums.length));
    const before = this.#sums[domain]!;
    const after = before + amount;
    this.#sums[domain] = after;
    if (before === 0 && after !== 0) this.#nonZero++;
    else if (before !== 0 && after === 0) this.#nonZero--;
  }

  #growRows(): void {
    const capacity = this.topology.domainOf.length;
    this.#given = grown(this.#given, capacity);
    this.#givenTo = grown(this.#givenTo, capacity, -1);
  }
}

/** How many pods each domain has, for those nodes that take part; which domains there are, and the emptiest. */
export class DomainCounts {
  readonly topology: Topology;
  #sums = new Int32Array(8);
  /** By domain: nodes that take part. */
  #nodes = new Int32Array(8);
  #given = new Int32Array(64);
  #givenTo = new Int32Array(64).fill(-1);
  /** How many domains have how many pods. */
  #levels = new Int32Array(8);
  #lowest = 0;
  #domains = 0;

  constructor(topology: Topology) {
    this.topology = topology;
  }

  get domains(): number {
    return this.#domains;
  }

  /** Pods in the emptiest domain; 0 when there is none. */
  get lowest(): number {
    if (this.#domains === 0) return 0;
    while (this.#levels[this.#lowest] === 0) this.#lowest++;
    return this.#lowest;
  }

  at(row: number): number {
    const domain = this.topology.domainOf[row]!;
    return domain < 0 ? 0 : (this.#sums[domain] ?? 0);
  }

  /** The node takes part with this many pods, or (-1) does not. */
  set(row: number, pods: number): void {
    if (row >= this.#given.length) this.#growRows();
    const domain = pods < 0 ? -1 : this.topology.domainOf[row]!;
    const before = this.#givenTo[row]!;
    const had = this.#given[row]!;
    if (before === domain && (domain < 0 || had === pods)) return;
    if (before >= 0) this.#change(before, -had, domain === before ? 0 : -1);
    this.#givenTo[row] = domain;
    this.#given[row] = Math.max(pods, 0);
    if (domain >= 0) this.#change(domain, pods, domain === before ? 0 : 1);
  }

  #change(domain: number, pods: number, nodes: number): void {
    if (domain >= this.#sums.length) {
      const size = Math.max(this.topology.size, 2 * this.#sums.length);
      this.#sums = grown(this.#sums, size);
      this.#nodes = grown(this.#nodes, size);
    }
    if (this.#nodes[domain]! > 0) this.#leaveLevel(this.#sums[domain]!);
    this.#sums[domain]! += pods;
    this.#nodes[domain]! += nodes;
    if (this.#nodes[domain]! > 0) this.#joinLevel(this.#sums[domain]!);
  }

  #joinLevel(level: number): void {
    if (level >= this.#levels.length) this.#levels = grown(this.#levels, 2 * level);
    this.#levels[level]!++;
    this.#domains++;
    if (level < this.#lowest) this.#lowest = level;
  }

  #leaveLevel(level: number): void {
    this.#levels[level]!--;
    this.#domains--;
  }

  #growRows(): void {
    const capacity = this.topology.domainOf.length;
    this.#given = grown(this.#given, capacity);
    this.#givenTo = grown(this.#givenTo, capacity, -1);
  }
}
