import type { NodeView } from '../node-cache.ts';
import { accepted, type Filter, normalized, refusedForGood, type Score } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { matchesTerm } from './node-selector-match.ts';

/** The pod's nodeSelector and its required node affinity. */
export function matchesNodeAffinity(pod: PodView, node: NodeView): boolean {
  const { nodeSelector, affinity } = pod.pod.spec;
  for (const [key, value] of Object.entries(nodeSelector ?? {})) if (node.labels[key] !== value) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

export const nodeAffinity: Filter = {
  name: 'NodeAffinity',
  wokenBy: ['node-added', 'node-labels'],
  prepare(pod) {
    const { nodeSelector, affinity } = pod.pod.spec;
    if (!nodeSelector && !affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution) return undefined;
    const no = refusedForGood("node(s) didn't match Pod's node affinity/selector");
    return (node) => (matchesNodeAffinity(pod, node) ? accepted : no);
  },
};

/** Prefers nodes by the weights of the preferred terms they match. */
export const nodeAffinityScore: Score = {
  name: 'NodeAffinity',
  weight: 2,
  score(pod, nodes) {
    const preferred = pod.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    if (!preferred?.length) return undefined;
    const weights = nodes.map((node) =>
      preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0),
    );
    return normalized(weights);
  },
};
