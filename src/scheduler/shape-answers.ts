// What is known about where pods of one shape can go. Every node is asked when it first matters and again only when it
// changed: versions in the cache say so. Plugins that count over all nodes count again only those that changed. What
// nodes are worth: shape-scores.ts.
import type { AnswerColumns } from './answer-columns.ts';
import { countChanges } from './counting.ts';
import type { NodeCache, NodeView } from './node-cache.ts';
import type { Nominations } from './nominations.ts';
import { Blocked, type CountingFilter, type Filter, type NodeFilter, type Score, type Snapshot } from './plugin.ts';
import type { PodView } from './pod-view.ts';
import { type Verdict, Verdicts, willDo } from './refusals.ts';
import { ShapeScores } from './shape-scores.ts';

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
  readonly #scores: ShapeScores;
  readonly #columns: AnswerColumns;
  #filtersCountedTo = -1;

  constructor(pod: PodView, { plugins, snapshot, nominations, columns }: AnswerParts) {
    this.#shape = pod;
    this.#columns = columns;
    this.#snapshot = snapshot;
    this.#cache = snapshot.cache;
    this.#nominations = nominations;
    this.blocked = this.#prepareFilters(plugins.filters);
    this.only = onlyNodes(pod, plugins.filters);
    this.#scores = new ShapeScores(pod, plugins.scores, { snapshot, columns });
  }

  get namespace(): string {
    return this.#shape.namespace;
  }

  /** Takes note of what changed. To be called before a question. */
  sync(): void {
    const { capacity } = this.#cache;
    if (this.#columns.capacity < capacity) this.#columns.grow(capacity);
    this.#scores.grow(capacity);
    this.#filtersCountedTo = countChanges(this.#cache, this.#countingFilters, this.#filtersCountedTo);
    if (this.#scores.haveNewVersion()) this.#columns.nodeSeen.fill(0);
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
    this.#scores.sum(pod, rows, count, into);
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

  #askNode(node: NodeView): void {
    const { row } = node;
    const verdict = this.#numberOf(node, this.#nodeFilters);
    this.#columns.nodeVerdict[row] = verdict;
    if (verdict === 0) this.#scores.askNode(node);
  }

  #askRoom(node: NodeView): void {
    const { row } = node;
    const verdict = this.#roomNumber(node);
    this.#columns.roomVerdict[row] = verdict;
    if (verdict === 0) this.#scores.askRoom(node);
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
