import type { NodeView } from '../node-cache.ts';
import { accepted, type Filter, normalized, refusedForGood, type Score } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { isTolerated } from './tolerations.ts';

/** Taints that forbid keep out pods that do not tolerate them. */
export const taintToleration: Filter = {
  name: 'TaintToleration',
  prepare: (pod) => (node) => {
    const untolerated = (node.node.spec.taints ?? []).some(
      (taint) => taint.effect !== 'PreferNoSchedule' && !isTolerated(pod.pod.spec.tolerations, taint),
    );
    return untolerated ? refusedForGood('node(s) had untolerated taint(s)') : accepted;
  },
};

function avoided(pod: PodView, node: NodeView): number {
  const tolerations = (pod.pod.spec.tolerations ?? []).filter(
    (each) => !each.effect || each.effect === 'PreferNoSchedule',
  );
  return (node.node.spec.taints ?? []).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(tolerations, taint),
  ).length;
}

/** Prefers nodes whose PreferNoSchedule taints are tolerated. */
export const taintScore: Score = {
  name: 'TaintToleration',
  weight: 3,
  score(pod, nodes) {
    const counts = nodes.map((node) => avoided(pod, node));
    return counts.some((count) => count > 0) ? normalized(counts, { reverse: true }) : undefined;
  },
};
