import type { PodAffinityTerm } from '../../../generated/core-v1.ts';
import { matchesSelector, type Selector } from '../../api/meta/labels.ts';
import { selectorOf } from '../../api/meta/selectors.ts';
import type { Snapshot } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';

/** A pod (anti-)affinity term, ready to be asked about many pods. */
export interface PodTerm {
  readonly topologyKey: string;
  matches(candidate: PodView): boolean;
}

/** `owner` is the pod that carries the term: its namespace is meant where the term names none. */
export function compileTerm(term: PodAffinityTerm, owner: PodView, snapshot: Snapshot): PodTerm {
  const selector = selectorWithKeys(term, owner);
  const namespaces = new Set(term.namespaces ?? []);
  const namespaceSelector = term.namespaceSelector ? selectorOf(term.namespaceSelector) : undefined;
  if (namespaces.size === 0 && !term.namespaceSelector) namespaces.add(owner.namespace);
  const isInScope = (namespace: string) =>
    namespaces.has(namespace) ||
    (namespaceSelector !== undefined && matchesSelector(namespaceSelector, snapshot.namespaceLabels(namespace) ?? {}));
  return {
    topologyKey: term.topologyKey,
    matches: (candidate) =>
      selector !== undefined && isInScope(candidate.namespace) && matchesSelector(selector, candidate.labels),
  };
}

/** matchLabelKeys narrow the selector to pods that agree with the owner on those labels. */
function selectorWithKeys(term: PodAffinityTerm, owner: PodView): Selector | undefined {
  const selector = term.labelSelector ? selectorOf(term.labelSelector) : undefined;
  if (!selector) return undefined;
  const known = (key: string) => owner.labels[key] !== undefined;
  return [
    ...selector,
    ...(term.matchLabelKeys ?? [])
      .filter(known)
      .map((key) => ({ key, operator: 'in' as const, values: [owner.labels[key]!] })),
    ...(term.mismatchLabelKeys ?? [])
      .filter(known)
      .map((key) => ({ key, operator: 'notin' as const, values: [owner.labels[key]!] })),
  ];
}
