import type { Taint } from '../../../generated/core-v1.ts';
import type { NodeView } from '../node-cache.ts';
import { accepted, type Filter, normalize, refusedForGood, type Score } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { isTolerated } from './tolerations.ts';

const no = refusedForGood('node(s) had untolerated taint(s)');

/** Taints that forbid keep out pods that do not tolerate them. */
export const taintToleration: Filter = {
  name: 'TaintToleration',
  keeps: 'node',
  wokenBy: ['node-added', 'node-taints'],
  helps: (pod, { node }) => !node?.node.spec.taints?.some(forbidding(pod)),
  prepare(pod) {
    const forbids = forbidding(pod);
    return ({ node }) => (node.spec.taints?.some(forbids) ? no : accepted);
  },
};

const forbidding =
  ({ pod: { spec } }: PodView) =>
  (taint: Taint) =>
    taint.effect !== 'PreferNoSchedule' && !isTolerated(spec.tolerations, taint);

/** Prefers nodes whose PreferNoSchedule taints are tolerated. */
export const taintScore: Score = {
  name: 'TaintToleration',
  weight: 3,
  keeps: 'node',
  prepare({ pod }) {
    const tolerations = (pod.spec.tolerations ?? []).filter(
      (each) => !each.effect || each.effect === 'PreferNoSchedule',
    );
    return {
      of: (node) => avoided(node, tolerations),
      normalize: (values, count) => normalize(values, count, true),
    };
  },
};

function avoided({ node }: NodeView, tolerations: Parameters<typeof isTolerated>[0]): number {
  if (!node.spec.taints?.length) return 0;
  return node.spec.taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(tolerations, taint))
    .length;
}
