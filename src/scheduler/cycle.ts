// One pod, one decision: which nodes would do, and which of them is best. Pure: reads the snapshot, changes nothing.
import type { Random } from '../base/random.ts';
import type { NodeView } from './node-cache.ts';
import type { Filter, Refusal, Score, Snapshot } from './plugin.ts';
import type { PodView } from './pod-view.ts';

export type Decision =
  | { readonly type: 'node'; readonly node: NodeView; readonly looked: number }
  | { readonly type: 'none'; readonly refusals: ReadonlyMap<string, readonly Refusal[]> };

export interface CyclePlugins {
  readonly filters: readonly Filter[];
  readonly scores: readonly Score[];
}

const smallClusterNodes = 100;
const leastPercent = 5;

/** In large clusters, looking at a part of the nodes is enough: finding this many that fit ends the search. */
export function enoughNodes(total: number): number {
  if (total <= smallClusterNodes) return total;
  const percent = Math.max(leastPercent, 50 - Math.floor(total / 125));
  return Math.max(smallClusterNodes, Math.floor((total * percent) / 100));
}

/** The prepared filters as one question: why not this node? Empty means that it will do. */
export function prepareFilters(
  pod: PodView,
  filters: readonly Filter[],
  snapshot: Snapshot,
): (node: NodeView) => readonly Refusal[] {
  const prepared = filters.map((filter) => filter.prepare(pod, snapshot)).filter((each) => each !== undefined);
  return (node) => {
    for (const filter of prepared) {
      const refusals = filter(node);
      if (refusals.length > 0) return refusals;
    }
    return [];
  };
}

/** Decides for one pod. `startAt` turns the order of nodes so that all get looked at over many pods. */
export function decide(
  pod: PodView,
  snapshot: Snapshot,
  plugins: CyclePlugins,
  options: { startAt: number; random: Random },
): Decision {
  const whyNot = prepareFilters(pod, plugins.filters, snapshot);
  const { nodes } = snapshot;
  const enough = enoughNodes(nodes.length);
  const feasible: NodeView[] = [];
  const refusals = new Map<string, readonly Refusal[]>();
  let looked = 0;
  for (; looked < nodes.length && feasible.length < enough; looked++) {
    const node = nodes[(options.startAt + looked) % nodes.length]!;
    const problems = whyNot(node);
    if (problems.length === 0) feasible.push(node);
    else refusals.set(node.name, problems);
  }
  if (feasible.length === 0) return { type: 'none', refusals };
  return { type: 'node', node: best(pod, feasible, snapshot, plugins.scores, options.random), looked };
}

function best(
  pod: PodView,
  nodes: readonly NodeView[],
  snapshot: Snapshot,
  scores: readonly Score[],
  random: Random,
): NodeView {
  if (nodes.length === 1) return nodes[0]!;
  const totals = new Float64Array(nodes.length);
  for (const plugin of scores) {
    const values = plugin.score(pod, nodes, snapshot);
    if (values) for (let index = 0; index < values.length; index++) totals[index]! += plugin.weight * values[index]!;
  }
  let chosen = 0;
  let ties = 1;
  for (let index = 1; index < totals.length; index++) {
    if (totals[index]! > totals[chosen]!) {
      chosen = index;
      ties = 1;
    } else if (totals[index] === totals[chosen] && random.next() < 1 / ++ties) {
      chosen = index;
    }
  }
  return nodes[chosen]!;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` Each reason of each node counts. */
export function describeRefusals(total: number, refusals: ReadonlyMap<string, readonly Refusal[]>): string {
  if (total === 0) return 'no nodes available to schedule pods';
  const counts = new Map<string, number>();
  for (const problems of refusals.values())
    for (const { reason } of problems) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${total} nodes are available: ${parts.join(', ')}.`;
}
