import { matchesTerm } from '../../api/core/node-match.ts';
import type { NodeView } from '../node-cache.ts';
import { accepted, type Filter, normalize, refusedForGood, type Score } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';

/** The pod's nodeSelector and its required node affinity; undefined: it has neither. */
export function requiredAffinity({ pod }: PodView): ((node: NodeView) => boolean) | undefined {
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const selector = Object.entries(pod.spec.nodeSelector ?? {});
  if (!required && selector.length === 0) return undefined;
  return (node) => {
    for (const [key, value] of selector) if (node.labels[key] !== value) return false;
    return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
  };
}

/** Nodes that the required affinity names, as that of a DaemonSet's pod does; undefined: a term goes without names. */
function namedNodes({ pod }: PodView): readonly string[] | undefined {
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const named = required?.nodeSelectorTerms.map(({ matchFields }) =>
    matchFields?.find(({ key, operator }) => key === 'metadata.name' && operator === 'In'),
  );
  if (!named?.length || named.some((field) => field === undefined)) return undefined;
  return [...new Set(named.flatMap((field) => field?.values ?? []))];
}

const no = refusedForGood("node(s) didn't match Pod's node affinity/selector");

export const nodeAffinity: Filter = {
  name: 'NodeAffinity',
  keeps: 'node',
  wokenBy: ['node-added', 'node-labels'],
  helps: (pod, { node }) => !node || (requiredAffinity(pod)?.(node) ?? true),
  only: namedNodes,
  prepare(pod) {
    const matches = requiredAffinity(pod);
    return matches && ((node) => (matches(node) ? accepted : no));
  },
};

/** Prefers nodes by the weights of the preferred terms they match. */
export const nodeAffinityScore: Score = {
  name: 'NodeAffinity',
  weight: 2,
  keeps: 'node',
  prepare({ pod }) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    if (!preferred?.length) return undefined;
    return {
      of: (node) =>
        preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0),
      normalize,
    };
  },
};
