import type { NodeView } from '../node-cache.ts';
import { accepted, type Filter, type Refusal, type Score } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';

/** Room for what the pod requests, and for one pod more. */
export const nodeResourcesFit: Filter = {
  name: 'NodeResourcesFit',
  wokenBy: ['node-added', 'node-room', 'pod-gone'],
  prepare: (pod) => (node) => {
    const refusals: Refusal[] = [];
    const maxPods = node.allocatable.get('pods') ?? 0;
    if (node.pods.size + 1 > maxPods) refusals.push({ reason: 'Too many pods', isFinal: false });
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

/** The fraction of a resource that would be in use, or -1 where the node has none. Called for every node and pod. */
function fractionWith(pod: PodView, node: NodeView, name: string): number {
  const allocatable = node.allocatable.get(name) ?? 0;
  if (allocatable === 0) return -1;
  return ((node.scoringRequested.get(name) ?? 0) + (pod.scoringRequests.get(name) ?? 0)) / allocatable;
}

/** Prefers nodes with the most left over. */
export const leastAllocated: Score = {
  name: 'NodeResourcesFit',
  weight: 1,
  score: (pod, nodes) =>
    nodes.map((node) => {
      let sum = 0;
      let count = 0;
      for (const name of scored) {
        const fraction = fractionWith(pod, node, name);
        if (fraction < 0) continue;
        count++;
        if (fraction <= 1) sum += Math.floor((1 - fraction) * 100);
      }
      return count > 0 ? Math.floor(sum / count) : 0;
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
      const cpu = Math.min(fractionWith(pod, node, 'cpu'), 1);
      const memory = Math.min(fractionWith(pod, node, 'memory'), 1);
      // A node without one of the two is in balance.
      if (cpu < 0 || memory < 0) return 100;
      return Math.floor((1 - Math.abs(cpu - memory) / 2) * 100);
    });
  },
};
