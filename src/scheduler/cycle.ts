// One pod, one decision: which nodes would do, and which of them is best. Changes nothing in the world; what it learned
// of nodes is kept for the next pod of the same shape (shape-answers.ts).
import type { Random } from '../base/random.ts';
import { AnswerColumns } from './answer-columns.ts';
import type { NodeView } from './node-cache.ts';
import type { Nominations } from './nominations.ts';
import type { Filter, Snapshot, WorldChange } from './plugin.ts';
import type { PodView } from './pod-view.ts';
import { Refusals, type Verdict, Verdicts } from './refusals.ts';
import { type CyclePlugins, ShapeAnswers, type Tail } from './shape-answers.ts';

export type { CyclePlugins } from './shape-answers.ts';

export type Decision =
  | { readonly type: 'node'; readonly node: NodeView; readonly looked: number }
  | {
      readonly type: 'none';
      readonly refusals: Refusals;
      /** Why no node at all would do. */
      readonly blocked?: string;
      /** The plugin that said so. */
      readonly blockedBy?: string;
      /** The plugins that refused. */
      readonly refusedBy: readonly Filter[];
      /** What could change it. */
      readonly wokenBy: readonly WorldChange[];
    };

type NoNode = Decision & { type: 'none' };

const smallClusterNodes = 100;
const leastPercent = 5;

/** In large clusters, looking at a part of the nodes is enough: finding this many that fit ends the search. */
export function enoughNodes(total: number, percent = 0): number {
  if (total < smallClusterNodes) return total;
  const share = percent || Math.max(leastPercent, 50 - Math.floor(total / 125));
  return Math.max(smallClusterNodes, Math.floor((total * share) / 100));
}

export interface DecideOptions {
  /** Turns the order of nodes so that all get looked at over many pods. */
  readonly startAt: number;
  readonly random: Random;
}

export interface DeciderOptions {
  readonly nominations?: Nominations;
  /** How many of a hundred nodes that fit are enough; 0: fewer of them, the more nodes there are. */
  readonly percentageOfNodesToScore?: number;
  /** Shapes remembered at once; by default as many as fit into a bounded memory. */
  readonly maxShapes?: number;
}

/** The nodes that will do, in the order in which they were found, with their scores. */
export interface Found {
  readonly rows: Int32Array;
  readonly scores: Float64Array;
  readonly count: number;
  readonly looked: number;
}

/** A node that the pod was promised, and whether it will do. */
interface OwnNode {
  readonly row: number;
  readonly verdict: Verdict;
}

/** Numbers kept for shapes, over all of them: each shape has some forty bytes for each node. */
const keptRows = 2 ** 21;
const [fewestShapes, mostShapes] = [64, 1024];

/** Decides where pods go, by one set of plugins. */
export class Decider {
  readonly #snapshot: Snapshot;
  readonly #plugins: CyclePlugins;
  readonly #options: DeciderOptions;
  /** By signature; the one used last is last. */
  readonly #shapes = new Map<string, ShapeAnswers>();
  /** Shapes that nothing fits: said again without looking while nothing changes. */
  readonly #hopeless = new Map<string, { readonly version: number; readonly decision: NoNode }>();
  #epoch = 0;
  #rows = new Int32Array(0);
  #scores = new Float64Array(0);

  constructor(snapshot: Snapshot, plugins: CyclePlugins, options: DeciderOptions = {}) {
    this.#snapshot = snapshot;
    this.#plugins = plugins;
    this.#options = options;
  }

  decide(pod: PodView, { startAt, random }: DecideOptions): Decision {
    const { cache } = this.#snapshot;
    const found = this.find(pod, startAt);
    if ('type' in found) return found;
    const { rows, scores, count, looked } = found;
    const node = cache.at(rows[count === 1 ? 0 : best(scores, count, random)]!)!;
    return { type: 'node', node, looked };
  }

  /** What is known of the pod's shape, up to date. */
  answersFor(pod: PodView): ShapeAnswers {
    const { cache } = this.#snapshot;
    if (cache.epoch !== this.#epoch) {
      this.#epoch = cache.epoch;
      this.#shapes.clear();
    }
    let answers = this.#shapes.get(pod.signature);
    if (answers) this.#shapes.delete(pod.signature);
    else {
      const { nominations } = this.#options;
      const columns = this.#forgetOldest() ?? new AnswerColumns();
      answers = new ShapeAnswers(pod, { plugins: this.#plugins, snapshot: this.#snapshot, nominations, columns });
    }
    this.#shapes.set(pod.signature, answers);
    // Plugins may have asked for a topology too many.
    if (cache.epoch !== this.#epoch) return this.answersFor(pod);
    answers.sync();
    return answers;
  }

  /** What was learned about pods of the namespace is void. */
  forgetNamespace(namespace: string): void {
    for (const [signature, answers] of this.#shapes) {
      if (answers.namespace !== namespace) continue;
      this.#shapes.delete(signature);
      this.#hopeless.delete(signature);
    }
  }

  /** The nodes that will do, scored when there is a choice; or why there is none. Good until the next call. */
  find(pod: PodView, startAt: number, answers = this.answersFor(pod)): Found | NoNode {
    const { cache } = this.#snapshot;
    const { blocked } = answers;
    if (blocked) return this.#blocked(blocked.reason, blocked.filter);
    const tail = answers.tailFor(pod);
    if ('blocked' in tail) return this.#blocked(tail.blocked.reason, tail.filter);
    this.#growFor(cache.order.length);
    const own = this.#own(pod, answers);
    if (own && !own.verdict.filter) {
      this.#rows[0] = own.row;
      return { rows: this.#rows, scores: this.#scores, count: 1, looked: 1 };
    }
    const isShared = !tail.isOwn && !own;
    const known = isShared ? this.#hopeless.get(pod.signature) : undefined;
    if (known?.version === cache.version) return known.decision;
    const search = this.#search(pod, startAt, answers, tail, own);
    if ('type' in search) {
      if (isShared) this.#keepHopeless(pod, search);
      return search;
    }
    if (search.count > 1) answers.score(pod, this.#rows, search.count, this.#scores);
    return { rows: this.#rows, scores: this.#scores, ...search };
  }

  #search(
    pod: PodView,
    startAt: number,
    answers: ShapeAnswers,
    tail: Tail,
    own: OwnNode | undefined,
  ): { count: number; looked: number } | NoNode {
    const { cache } = this.#snapshot;
    const order = this.#candidates(answers);
    const total = order.length;
    const enough = enoughNodes(total, this.#options.percentageOfNodesToScore);
    const rows = this.#rows;
    const needsTail = tail.filters.length + (this.#options.nominations?.size ?? 0) > 0;
    let count = 0;
    let looked = 0;
    let at = total === 0 ? 0 : startAt % total;
    for (; looked < total && count < enough; looked++) {
      const row = order[at]!;
      if (++at === total) at = 0;
      if (row === own?.row || answers.headVerdict(row) !== 0) continue;
      if (needsTail && answers.tailVerdict(pod, cache.at(row)!, tail).filter) continue;
      rows[count++] = row;
    }
    return count > 0 ? { count, looked } : this.#none(pod, answers, tail, own);
  }

  /** Why not: asked again of all, which costs little where nothing fits. */
  #none(pod: PodView, answers: ShapeAnswers, tail: Tail, own: OwnNode | undefined): NoNode {
    const { cache } = this.#snapshot;
    const numbers = new Uint16Array(cache.rows);
    const others = new Map<number, Verdict>();
    const candidates = this.#candidates(answers);
    if (answers.only) {
      const { filter } = answers.only;
      const reason = `node(s) didn't satisfy plugin(s) [${filter.name}]`;
      numbers.fill(answers.verdicts.numberOf(filter, [{ reason, isFinal: true }]));
    }
    for (const row of candidates) {
      if (row === own?.row) {
        others.set(row, own.verdict);
        continue;
      }
      const head = answers.headVerdict(row);
      numbers[row] = head;
      if (head !== 0) continue;
      const { filter, refusals } = answers.tailVerdict(pod, cache.at(row)!, tail);
      if (!filter) continue;
      if (filter.keeps) numbers[row] = answers.verdicts.numberOf(filter, refusals);
      else others.set(row, { filter, refusals });
    }
    const refusals = new Refusals(cache, answers.verdicts, numbers, others);
    const refusedBy = [...refusals.filters()];
    // Without nodes, nobody refused: any node helps.
    return {
      type: 'none',
      refusals,
      refusedBy,
      wokenBy: cache.order.length === 0 ? ['node-added'] : wakersOf(refusedBy),
    };
  }

  /** Rows of the nodes that come into question. */
  #candidates({ only }: ShapeAnswers): Int32Array {
    const { cache } = this.#snapshot;
    if (!only) return cache.order;
    return Int32Array.from(only.names.flatMap((name) => cache.find(name)?.row ?? []));
  }

  #blocked(reason: string, filter: Filter): NoNode {
    const refusals = new Refusals(this.#snapshot.cache, new Verdicts(), new Uint16Array(0), new Map());
    const wokenBy = wakersOf([filter]);
    return { type: 'none', refusals, blocked: reason, blockedBy: filter.name, refusedBy: [filter], wokenBy };
  }

  /** The node whose victims went for this pod. */
  #own(pod: PodView, answers: ShapeAnswers): OwnNode | undefined {
    const { nominations } = this.#options;
    const name = nominations?.nodeOf(pod.key);
    const node = name === undefined ? undefined : this.#snapshot.cache.find(name);
    if (!node) return undefined;
    const others = nominations!.before(pod, node.name);
    if (others.length > 0) {
      const beside = answers.pretending(node, (pretence) => {
        for (const other of others) pretence.add(other);
        return answers.verdictNow(pod, node);
      });
      if (beside.filter) return { row: node.row, verdict: beside };
    }
    return { row: node.row, verdict: answers.verdictNow(pod, node) };
  }

  #keepHopeless(pod: PodView, decision: NoNode): void {
    if (this.#hopeless.size >= mostShapes) this.#hopeless.clear();
    this.#hopeless.set(pod.signature, { version: this.#snapshot.cache.version, decision });
  }

  /** Makes room for one shape more: the columns of the one that was not used for longest, if it had to go. */
  #forgetOldest(): AnswerColumns | undefined {
    const affordable = Math.min(Math.max(keptRows / this.#snapshot.cache.capacity, fewestShapes), mostShapes);
    const limit = this.#options.maxShapes ?? affordable;
    if (this.#shapes.size < limit) return undefined;
    const [oldest] = this.#shapes;
    this.#shapes.delete(oldest![0]);
    return oldest![1].release();
  }

  #growFor(nodes: number): void {
    if (this.#rows.length >= nodes) return;
    this.#rows = new Int32Array(2 * nodes);
    this.#scores = new Float64Array(2 * nodes);
  }
}

const wakersOf = (filters: readonly Filter[]): WorldChange[] => [...new Set(filters.flatMap(({ wokenBy }) => wokenBy))];

/** The place of the highest score; among equals chance decides. */
function best(scores: Float64Array, count: number, random: Random): number {
  let chosen = 0;
  let ties = 1;
  for (let at = 1; at < count; at++) {
    if (scores[at]! > scores[chosen]!) {
      chosen = at;
      ties = 1;
    } else if (scores[at] === scores[chosen] && random.next() < 1 / ++ties) {
      chosen = at;
    }
  }
  return chosen;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` Each reason of each node counts. */
export function describeRefusals(total: number, refusals: Pick<Refusals, 'counts'>): string {
  if (total === 0) return 'no nodes available to schedule pods';
  const parts = [...refusals.counts()].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${total} nodes are available: ${parts.join(', ')}.`;
}
