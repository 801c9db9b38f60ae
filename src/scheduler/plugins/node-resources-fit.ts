import type { NodeView } from '../node-cache.ts';
import { accepted, type Filter, type Refusal, type Score } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';

/** Room for what the pod requests, and for one pod more. */
export const nodeResourcesFit: Filter = {
  name: 'NodeResourcesFit',
  prepare: (pod) => (node) => {
    const refusals: Refusal[] = [];
    const maxPods = node.allocatable.get('pods') ?? 0;
    if (node.pods.size + 1 > maxPods) refusals.push({ reason: 'Too many pods', isFinal: maxPods === 0 });
    for (const [name, amount] of pod.requests) {
      if (amount === 0) continue;
      const allocatable = node.allocatable.get(name) ?? 0;
      if (amount <= allocatable - (node.requested.get(name) ?? 0)) continue;
      refusals.push({ reason: `Insufficient ${name}`, isFinal: amount > allocatable });
    }
    return refusals.length > 0 ? refusals : accepted;
  },
};

const scored = ['cpu', 'memory'];

/** The fraction of a resource that would be in use, or undefined where the node has none. */
function fractionWith(pod: PodView, node: NodeView, name: string): number | undefined {
  const allocatable = node.allocatable.get(name) ?? 0;
  if (allocatable === 0) return undefined;
  return ((node.scoringRequested.get(name) ?? 0) + (pod.scoringRequests.get(name) ?? 0)) / allocatable;
}

function fractionsWith(pod: PodView, node: NodeView): number[] {
  return scored.map((name) => fractionWith(pod, node, name)).filter((each) => each !== undefined);
}

/** Prefers nodes with the most left over. */
export const leastAllocated: Score = {
  name: 'NodeResourcesFit',
  weight: 1,
  score: (pod, nodes) =>
    nodes.map((node) => {
      const left = fractionsWith(pod, node).map((fraction) => (fraction > 1 ? 0 : Math.floor((1 - fraction) * 100)));
      return left.length ? Math.floor(left.reduce((sum, each) => sum + each, 0) / left.length) : 0;
    }),
};

/** Prefers nodes where CPU and memory would be used to the same degree. */
export const balancedAllocation: Score = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  score(pod, nodes) {
    const asksForNothing = scored.every((name) => !pod.requests.get(name));
    if (asksForNothing) return undefined;
    return nodes.map((node) => {
      const [cpu = 0, memory = cpu] = fractionsWith(pod, node).map((fraction) => Math.min(fraction, 1));
      return Math.floor((1 - Math.abs(cpu - memory) / 2) * 100);
    });
  },
};
