// What nodes are worth to pods of one shape. What depends on the node alone is kept by node; what counts over all nodes is
// counted again where they changed.
import type { AnswerColumns } from './answer-columns.ts';
import { countChanges } from './counting.ts';
import type { NodeView } from './node-cache.ts';
import { grown } from './node-columns.ts';
import type { CountingScore, ListScore, NodeScorer, Score, Snapshot } from './plugin.ts';
import type { PodView } from './pod-view.ts';

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

export class ShapeScores {
  /** Counted only when there is a choice. */
  readonly #countingScores: CountingScore[] = [];
  readonly #nodeScores: Plain[] = [];
  readonly #roomScores: Plain[] = [];
  readonly #normalized: Normalized[] = [];
  readonly #worldScores: { readonly scorer: CountingScore; readonly weight: number }[] = [];
  readonly #listScores: ListScore[] = [];
  readonly #columns: AnswerColumns;
  readonly #snapshot: Snapshot;
  #scratch = new Float64Array(0);
  #countedTo = -1;
  #version = 0;

  constructor(
    pod: PodView,
    scores: readonly Score[],
    { snapshot, columns }: { readonly snapshot: Snapshot; readonly columns: AnswerColumns },
  ) {
    this.#snapshot = snapshot;
    this.#columns = columns;
    this.#prepare(pod, scores);
  }

  grow(capacity: number): void {
    for (const each of this.#normalized) if (each.raw) each.raw = grownTo(each.raw, capacity);
  }

  /** Answers for nodes that did not change are void since this was last asked. */
  haveNewVersion(): boolean {
    let version = 0;
    for (const { scorer } of this.#nodeScores) version += scorer.version?.() ?? 0;
    const isNew = version !== this.#version;
    this.#version = version;
    return isNew;
  }

  /** Keeps what the Node object is worth. */
  askNode(node: NodeView): void {
    this.#columns.nodeScore[node.row] = sumOf(this.#nodeScores, node);
    for (const each of this.#normalized) if (each.isOfNode) this.#setRaw(each, node);
  }

  /** Keeps what its pods make it worth. */
  askRoom(node: NodeView): void {
    this.#columns.roomScore[node.row] = sumOf(this.#roomScores, node);
    for (const each of this.#normalized) if (!each.isOfNode) this.#setRaw(each, node);
  }

  /** The sum of all scores for each of the first `count` rows: higher is better. */
  sum(pod: PodView, rows: Int32Array, count: number, into: Float64Array): void {
    this.#countedTo = countChanges(this.#snapshot.cache, this.#countingScores, this.#countedTo);
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
      const nodes = Array.from({ length: count }, (_, at) => this.#snapshot.cache.at(rows[at]!)!);
      const values = plugin.score(pod, nodes, this.#snapshot);
      if (!values) continue;
      scratch.set(values);
      add(plugin.weight);
    }
  }

  #prepare(pod: PodView, scores: readonly Score[]): void {
    for (const plugin of scores) {
      const { weight } = plugin;
      if (plugin.keeps === undefined) this.#listScores.push(plugin);
      else if (plugin.keeps === 'world') {
        const scorer = plugin.prepare(pod, this.#snapshot);
        if (!scorer) continue;
        this.#worldScores.push({ scorer, weight });
        this.#countingScores.push(scorer);
      } else {
        const scorer = plugin.prepare(pod, this.#snapshot);
        if (!scorer) continue;
        const isOfNode = plugin.keeps === 'node';
        const { normalize } = scorer;
        if (normalize) this.#normalized.push({ scorer: { ...scorer, normalize }, weight, isOfNode, raw: undefined });
        else (isOfNode ? this.#nodeScores : this.#roomScores).push({ scorer, weight });
      }
    }
  }

  #setRaw(normalized: Normalized, node: NodeView): void {
    const value = normalized.scorer.of(node);
    if (value !== 0) normalized.raw ??= new Float32Array(this.#columns.capacity);
    if (normalized.raw) normalized.raw[node.row] = value;
  }

  #scratchFor(count: number): Float64Array {
    if (this.#scratch.length < count) this.#scratch = new Float64Array(2 * count);
    return this.#scratch;
  }
}

const grownTo = (column: Float32Array, capacity: number) =>
  column.length < capacity ? grown(column, capacity) : column;

function sumOf(scores: readonly Plain[], node: NodeView): number {
  let sum = 0;
  for (const { scorer, weight } of scores) sum += weight * scorer.of(node);
  return sum;
}
