import type { NodeView } from '../node-cache.ts';
import { accepted, type Filter, normalized, refusedForGood, type Score } from '../plugin.ts';
import { isTolerated } from './tolerations.ts';

/** Taints that forbid keep out pods that do not tolerate them. */
export const taintToleration: Filter = {
  name: 'TaintToleration',
  wokenBy: ['node-added', 'node-taints'],
  prepare: (pod) => (node) => {
    const untolerated = (node.node.spec.taints ?? []).some(
      (taint) => taint.effect !== 'PreferNoSchedule' && !isTolerated(pod.pod.spec.tolerations, taint),
    );
    return untolerated ? refusedForGood('node(s) had untolerated taint(s)') : accepted;
  },
};

/** Prefers nodes whose PreferNoSchedule taints are tolerated. */
export const taintScore: Score = {
  name: 'TaintToleration',
  weight: 3,
  score(pod, nodes) {
    if (nodes.every((node) => !node.node.spec.taints?.length)) return undefined;
    const tolerations = (pod.pod.spec.tolerations ?? []).filter(
      (each) => !each.effect || each.effect === 'PreferNoSchedule',
    );
    const counts = nodes.map((node) => avoided(node, tolerations));
    return counts.some((count) => count > 0) ? normalized(counts, { reverse: true }) : undefined;
  },
};

function avoided({ node }: NodeView, tolerations: Parameters<typeof isTolerated>[0]): number {
  return (node.spec.taints ?? []).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(tolerations, taint),
  ).length;
}
