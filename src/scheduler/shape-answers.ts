// What is known about where pods of one shape can go. Every node is asked when it first matters and again only when it
// changed: versions in the cache say so. Plugins that count over all nodes count again only those that changed.
import type { AnswerColumns } from './answer-columns.ts';
import type { NodeCache, NodeView } from './node-cache.ts';
import { grown } from './node-columns.ts';
import type { Nominations } from './nominations.ts';
import {
  Blocked,
  type Counting,
  type CountingFilter,
  type CountingScore,
  type Filter,
  type ListScore,
  type NodeFilter,
  type NodeScorer,
  type Score,
  type Snapshot,
} from './plugin.ts';
import type { PodView } from './pod-view.ts';
import { type Verdict, Verdicts, willDo } from './refusals.ts';

export interface CyclePlugins {
  readonly filters: readonly Filter[];
  readonly scores: readonly Score[];
}

interface Asked {
  readonly filter: Filter;
  readonly ask: NodeFilter;
}

/** A filter whose answers are not kept. */
type TailFilter =
  | { readonly filter: Filter; readonly counting: CountingFilter }
  | { readonly filter: Filter; readonly ask: NodeFilter }
  /** Prepared for each pod. */
  | { readonly filter: Filter & { readonly keeps?: undefined } };

/** The filters whose answers are not kept, ready for one pod. */
export interface Tail {
  readonly filters: readonly Asked[];
  /** One of them has something to say about this pod that it may not say of the next one of its shape. */
  readonly isOwn: boolean;
}

interface Normalized {
  readonly scorer: NodeScorer & { readonly normalize: NonNullable<NodeScorer['normalize']> };
  readonly weight: number;
  readonly isOfNode: boolean;
  /** By row; absent until one is not 0. */
  raw: Float32Array | undefined;
}

interface Plain {
  readonly scorer: NodeScorer;
  readonly weight: number;
}

export interface AnswerParts {
  readonly plugins: CyclePlugins;
  readonly snapshot: Snapshot;
  readonly nominations: Nominations | undefined;
  /** With nothing in them. */
  readonly columns: AnswerColumns;
}

export class ShapeAnswers {
  readonly verdicts = new Verdicts();
  /** No pod of this shape can go anywhere. */
  readonly blocked: { readonly reason: string; readonly filter: Filter } | undefined;
  /** Names of the only nodes that come into question, and who says so. */
  readonly only: { readonly names: readonly string[]; readonly filter: Filter } | undefined;
  readonly #cache: NodeCache;
  readonly #snapshot: Snapshot;
  readonly #nominations: Nominations | undefined;
  readonly #shape: PodView;
  readonly #nodeFilters: Asked[] = [];
  readonly #roomFilters: Asked[] = [];
  readonly #tail: TailFilter[] = [];
  readonly #countingFilters: CountingFilter[] = [];
  /** Counted only when there is a choice. */
  readonly #countingScores: CountingScore[] = [];
  readonly #nodeScores: Plain[] = [];
  readonly #roomScores: Plain[] = [];
  readonly #normalized: Normalized[] = [];
  readonly #worldScores: { readonly scorer: CountingScore; readonly weight: number }[] = [];
  readonly #listScores: ListScore[] = [];
  readonly #columns: AnswerColumns;
  #scratch = new Float64Array(0);
  #filtersCountedTo = -1;
  #scoresCountedTo = -1;
  #scoresVersion = 0;

  constructor(pod: PodView, { plugins, snapshot, nominations, columns }: AnswerParts) {
    this.#shape = pod;
    this.#columns = columns;
    this.#snapshot = snapshot;
    this.#cache = snapshot.cache;
    this.#nominations = nominations;
    this.blocked = this.#prepareFilters(plugins.filters);
    this.only = onlyNodes(pod, plugins.filters);
    this.#prepareScores(plugins.scores);
  }

  get namespace(): string {
    return this.#shape.namespace;
  }

  /** Takes note of what changed. To be called before a question. */
  sync(): void {
    const { capacity } = this.#cache;
    if (this.#columns.capacity < capacity) this.#columns.grow(capacity);
    for (const each of this.#normalized) if (each.raw) each.raw = grownTo(each.raw, capacity);
    this.#filtersCountedTo = this.#count(this.#countingFilters, this.#filtersCountedTo);
    let version = 0;
    for (const { scorer } of this.#nodeScores) version += scorer.version?.() ?? 0;
    if (version !== this.#scoresVersion) {
      this.#scoresVersion = version;
      this.#columns.nodeSeen.fill(0);
    }
  }

  /** No question is asked any more: the columns can be used for another shape. */
  release(): AnswerColumns {
    this.#columns.forget();
    return this.#columns;
  }

  /** What the filters that are kept say of the node: the number of a verdict. */
  headVerdict(row: number): number {
    const cache = this.#cache;
    const columns = this.#columns;
    const nodeVersion = cache.nodeVersions[row]!;
    if (columns.nodeSeen[row] !== nodeVersion) {
      columns.nodeSeen[row] = nodeVersion;
      this.#askNode(cache.at(row)!);
    }
    const verdict = columns.nodeVerdict[row]!;
    if (verdict !== 0) return verdict;
    const roomVersion = cache.roomVersions[row]!;
    if (columns.roomSeen[row] !== roomVersion) {
      columns.roomSeen[row] = roomVersion;
      this.#askRoom(cache.at(row)!);
    }
    return columns.roomVerdict[row]!;
  }

  /** The other filters, for one pod; those that have nothing to say are left out. */
  tailFor(pod: PodView): Tail | { readonly blocked: Blocked; readonly filter: Filter } {
    const filters: Asked[] = [];
    let isOwn = false;
    for (const each of this.#tail) {
      const { filter } = each;
      if ('counting' in each) {
        const { counting } = each;
        if (!counting.isIdle) filters.push({ filter, ask: (node) => counting.whyNot(node) });
      } else if ('ask' in each) filters.push(each);
      else {
        const ask = each.filter.prepare(pod, this.#snapshot);
        if (ask instanceof Blocked) return { blocked: ask, filter };
        if (!ask) continue;
        filters.push({ filter, ask });
        isOwn = true;
      }
    }
    return { filters, isOwn };
  }

  /** What the filters of the tail say of a node that the others accept. Promised pods may wake filters that are idle. */
  tailVerdict(pod: PodView, node: NodeView, tail: Tail): Verdict {
    const promised = this.#nominations?.before(pod, node.name) ?? [];
    if (promised.length > 0) {
      const verdict = this.pretending(node, (pretence) => {
        for (const other of promised) pretence.add(other);
        return ask(node, this.#freshTail(pod));
      });
      if (verdict.filter) return verdict;
    }
    return ask(node, tail.filters);
  }

  /** Asks about the node as it would be; nothing is kept of it. */
  pretending<T>(node: NodeView, ask: (pretence: { add(pod: PodView): void; remove(pod: PodView): void }) => T): T {
    const pretence = this.#cache.pretend(node);
    try {
      return ask({
        add: (pod) => {
          pretence.add(pod);
          for (const counting of this.#countingFilters) counting.recount(node);
        },
        remove: (pod) => {
          pretence.remove(pod);
          for (const counting of this.#countingFilters) counting.recount(node);
        },
      });
    } finally {
      pretence.restore();
      for (const counting of this.#countingFilters) counting.recount(node);
    }
  }

  /** All filters about the node as it is at this moment, pretended or not; promises are not considered. */
  verdictNow(pod: PodView, node: NodeView): Verdict {
    for (const filters of [this.#nodeFilters, this.#roomFilters]) {
      const verdict = ask(node, filters);
      if (verdict.filter) return verdict;
    }
    return ask(node, this.#freshTail(pod));
  }

  /** The sum of all scores for each of the first `count` rows: higher is better. */
  score(pod: PodView, rows: Int32Array, count: number, into: Float64Array): void {
    this.#scoresCountedTo = this.#count(this.#countingScores, this.#scoresCountedTo);
    const { nodeScore, roomScore } = this.#columns;
    for (let at = 0; at < count; at++) into[at] = nodeScore[rows[at]!]! + roomScore[rows[at]!]!;
    const scratch = this.#scratchFor(count);
    const add = (weight: number) => {
      for (let at = 0; at < count; at++) into[at]! += weight * scratch[at]!;
    };
    for (const { scorer, weight, raw } of this.#normalized) {
      if (raw) for (let at = 0; at < count; at++) scratch[at] = raw[rows[at]!]!;
      else scratch.fill(0, 0, count);
      scorer.normalize(scratch, count);
      add(weight);
    }
    for (const { scorer, weight } of this.#worldScores) {
      if (scorer.isIdle) continue;
      scorer.score(rows, count, scratch);
      add(weight);
    }
    for (const plugin of this.#listScores) {
      const nodes = Array.from({ length: count }, (_, at) => this.#cache.at(rows[at]!)!);
      const values = plugin.score(pod, nodes, this.#snapshot);
      if (!values) continue;
      scratch.set(values);
      add(plugin.weight);
    }
  }

  #freshTail(pod: PodView): readonly Asked[] {
    const tail = this.tailFor(pod);
    if (!('blocked' in tail)) return tail.filters;
    const refusals = [{ reason: tail.blocked.reason, isFinal: true }];
    return [{ filter: tail.filter, ask: () => refusals }];
  }

  #prepareFilters(filters: readonly Filter[]): { reason: string; filter: Filter } | undefined {
    for (const filter of filters) {
      if (filter.keeps === 'world') {
        const counting = filter.prepare(this.#shape, this.#snapshot);
        if (!counting) continue;
        this.#tail.push({ filter, counting });
        this.#countingFilters.push(counting);
        continue;
      }
      if (filter.keeps === undefined) {
        this.#tail.push({ filter: filter as Filter & { keeps?: undefined } });
        continue;
      }
      const ask = filter.prepare(this.#shape, this.#snapshot);
      if (ask instanceof Blocked) return { reason: ask.reason, filter };
      if (!ask) continue;
      // Their order is the order of reasons: one that comes after what is not kept is not kept either.
      if (this.#tail.length > 0) this.#tail.push({ filter, ask });
      else if (filter.keeps === 'node' && this.#roomFilters.length === 0) this.#nodeFilters.push({ filter, ask });
      else this.#roomFilters.push({ filter, ask });
    }
    return undefined;
  }

  #prepareScores(scores: readonly Score[]): void {
    for (const plugin of scores) {
      const { weight } = plugin;
      if (plugin.keeps === undefined) this.#listScores.push(plugin);
      else if (plugin.keeps === 'world') {
        const scorer = plugin.prepare(this.#shape, this.#snapshot);
        if (!scorer) continue;
        this.#worldScores.push({ scorer, weight });
        this.#countingScores.push(scorer);
      } else {
        const scorer = plugin.prepare(this.#shape, this.#snapshot);
        if (!scorer) continue;
        const isOfNode = plugin.keeps === 'node';
        const { normalize } = scorer;
        if (normalize) this.#normalized.push({ scorer: { ...scorer, normalize }, weight, isOfNode, raw: undefined });
        else (isOfNode ? this.#nodeScores : this.#roomScores).push({ scorer, weight });
      }
    }
  }

  #askNode(node: NodeView): void {
    const { row } = node;
    const verdict = this.#numberOf(node, this.#nodeFilters);
    this.#columns.nodeVerdict[row] = verdict;
    if (verdict !== 0) return;
    this.#columns.nodeScore[row] = sumOf(this.#nodeScores, node);
    for (const each of this.#normalized) if (each.isOfNode) this.#setRaw(each, node);
  }

  #askRoom(node: NodeView): void {
    const { row } = node;
    const verdict = this.#roomNumber(node);
    this.#columns.roomVerdict[row] = verdict;
    if (verdict !== 0) return;
    this.#columns.roomScore[row] = sumOf(this.#roomScores, node);
    for (const each of this.#normalized) if (!each.isOfNode) this.#setRaw(each, node);
  }

  #setRaw(normalized: Normalized, node: NodeView): void {
    const value = normalized.scorer.of(node);
    if (value !== 0) normalized.raw ??= new Float32Array(this.#columns.capacity);
    if (normalized.raw) normalized.raw[node.row] = value;
  }

  /** Pods that were promised the node count as if they were there. */
  #roomNumber(node: NodeView): number {
    const promised = this.#nominations?.before({ key: '', priority: this.#shape.priority }, node.name) ?? [];
    if (promised.length > 0) {
      const pretence = this.#cache.pretend(node);
      try {
        for (const other of promised) pretence.add(other);
        const verdict = this.#numberOf(node, this.#roomFilters);
        if (verdict !== 0) return verdict;
      } finally {
        pretence.restore();
      }
    }
    return this.#numberOf(node, this.#roomFilters);
  }

  #numberOf(node: NodeView, filters: readonly Asked[]): number {
    for (const { filter, ask } of filters) {
      const refusals = ask(node);
      if (refusals.length > 0) return this.verdicts.numberOf(filter, refusals);
    }
    return 0;
  }

  /** Counts what changed since; gives the place up to which it did. */
  #count(all: readonly Counting[], countedTo: number): number {
    const { changes, rows } = this.#cache;
    if (all.length === 0 || countedTo === changes.end) return changes.end;
    if (countedTo < 0) for (const counting of all) this.#countFirst(counting);
    else {
      const recount = (row: number) => {
        const node = this.#cache.at(row) ?? goneFrom(row);
        for (const counting of all) counting.recount(node);
      };
      const areMany = changes.end - countedTo > rows;
      if (areMany || !changes.since(countedTo, recount)) for (let row = 0; row < rows; row++) recount(row);
    }
    return changes.end;
  }

  #countFirst(counting: Counting): void {
    const cache = this.#cache;
    if (counting.countsAffinity) for (const node of cache.nodesWithAffinity) counting.recount(node);
    else for (let row = 0; row < cache.rows; row++) counting.recount(cache.at(row) ?? goneFrom(row));
  }

  #scratchFor(count: number): Float64Array {
    if (this.#scratch.length < count) this.#scratch = new Float64Array(2 * count);
    return this.#scratch;
  }
}

function ask(node: NodeView, filters: readonly Asked[]): Verdict {
  for (const { filter, ask } of filters) {
    const refusals = ask(node);
    if (refusals.length > 0) return { filter, refusals };
  }
  return willDo;
}

function onlyNodes(pod: PodView, filters: readonly Filter[]): ShapeAnswers['only'] {
  for (const filter of filters) {
    const names = filter.only?.(pod);
    if (names) return { names, filter };
  }
  return undefined;
}

const grownTo = (column: Float32Array, capacity: number) =>
  column.length < capacity ? grown(column, capacity) : column;

function sumOf(scores: readonly Plain[], node: NodeView): number {
  let sum = 0;
  for (const { scorer, weight } of scores) sum += weight * scorer.of(node);
  return sum;
}

/** A row that no node has any more. */
const goneFrom = (row: number): NodeView => ({
  name: '',
  row,
  node: { metadata: { name: '' }, spec: {} },
  isKnown: false,
  labels: {},
  pods: new Map(),
  shapes: new Map(),
  hostPorts: [],
  antiAffinityPods: 0,
  affinityPods: 0,
  images: new Map(),
});
