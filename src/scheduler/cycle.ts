// One pod, one decision: which nodes would do, and which of them is best. Pure: reads the snapshot, changes nothing.
import type { Random } from '../base/random.ts';
import { type NodeView, withPods } from './node-cache.ts';
import type { Nominations } from './nominations.ts';
import {
  Blocked,
  type Filter,
  type NodeFilter,
  type Refusal,
  type Score,
  type Snapshot,
  type WorldChange,
} from './plugin.ts';
import type { PodView } from './pod-view.ts';

export type Decision =
  | { readonly type: 'node'; readonly node: NodeView; readonly looked: number }
  | {
      readonly type: 'none';
      readonly refusals: ReadonlyMap<string, readonly Refusal[]>;
      /** Why no node at all would do. */
      readonly blocked?: string;
      /** The plugin that said so. */
      readonly blockedBy?: string;
      /** What could change it. */
      readonly wokenBy: readonly WorldChange[];
    };

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

export interface PreparedFilters {
  /** Why not this node? Empty means that it will do. */
  readonly whyNot: NodeFilter;
  readonly blocked?: string;
  readonly blockedBy?: string;
  /** What could change a refusal that was given so far. */
  wokenBy(): WorldChange[];
}

/** The filters, ready to be asked about one node after the other. */
export function prepareFilters(pod: PodView, filters: readonly Filter[], snapshot: Snapshot): PreparedFilters {
  const prepared: { filter: Filter; ask: NodeFilter }[] = [];
  const refusing = new Set<Filter>();
  const wokenBy = () => [...new Set([...refusing].flatMap((filter) => filter.wokenBy))];
  for (const filter of filters) {
    const ask = filter.prepare(pod, snapshot);
    if (ask instanceof Blocked) {
      refusing.add(filter);
      const whyNot = () => [{ reason: ask.reason, isFinal: true }];
      return { whyNot, blocked: ask.reason, blockedBy: filter.name, wokenBy };
    }
    if (ask) prepared.push({ filter, ask });
  }
  const whyNot = (node: NodeView) => {
    for (const { filter, ask } of prepared) {
      const refusals = ask(node);
      if (refusals.length === 0) continue;
      refusing.add(filter);
      return refusals;
    }
    return nothing;
  };
  return { whyNot, wokenBy };
}

const nothing: readonly Refusal[] = [];

/** Pods that were promised the node count as if they were there. */
function respecting(whyNot: NodeFilter, pod: PodView, nominations: Nominations | undefined): NodeFilter {
  if (!nominations) return whyNot;
  return (node) => {
    const promised = nominations.before(pod, node.name);
    const refusals = promised.length > 0 ? whyNot(withPods(node, promised)) : nothing;
    return refusals.length > 0 ? refusals : whyNot(node);
  };
}

export interface DecideOptions {
  /** Turns the order of nodes so that all get looked at over many pods. */
  readonly startAt: number;
  readonly random: Random;
  readonly nominations?: Nominations;
}

/** Decides for one pod. */
export function decide(
  pod: PodView,
  snapshot: Snapshot,
  plugins: CyclePlugins,
  { startAt, random, nominations }: DecideOptions,
): Decision {
  const prepared = prepareFilters(pod, plugins.filters, snapshot);
  const { blocked, blockedBy = '' } = prepared;
  if (blocked) return { type: 'none', refusals: new Map(), blocked, blockedBy, wokenBy: prepared.wokenBy() };
  const whyNot = respecting(prepared.whyNot, pod, nominations);
  const promised = promisedNode(pod, snapshot, nominations);
  if (promised && whyNot(promised).length === 0) return { type: 'node', node: promised, looked: 1 };
  const { nodes } = snapshot;
  const enough = enoughNodes(nodes.length);
  const feasible: NodeView[] = [];
  const refusals = new Map<string, readonly Refusal[]>();
  let looked = 0;
  for (; looked < nodes.length && feasible.length < enough; looked++) {
    const node = nodes[(startAt + looked) % nodes.length]!;
    const problems = whyNot(node);
    if (problems.length === 0) feasible.push(node);
    else refusals.set(node.name, problems);
  }
  if (feasible.length === 0) return { type: 'none', refusals, wokenBy: wokenBy(nodes, prepared) };
  return { type: 'node', node: best(pod, feasible, snapshot, plugins.scores, random), looked };
}

/** The node whose victims went for this pod. */
function promisedNode(pod: PodView, { nodes }: Snapshot, nominations: Nominations | undefined): NodeView | undefined {
  const name = nominations?.nodeOf(pod.key);
  return name === undefined ? undefined : nodes.find((node) => node.name === name);
}

/** Without nodes, nobody refused: any node helps. */
function wokenBy(nodes: readonly NodeView[], prepared: PreparedFilters): readonly WorldChange[] {
  return nodes.length === 0 ? ['node-added'] : prepared.wokenBy();
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
