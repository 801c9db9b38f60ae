import type { PodAffinityTerm } from '../../../generated/core-v1.ts';
import { matchesSelector, type Selector } from '../../api/meta/labels.ts';
import { selectorOf } from '../../api/meta/selectors.ts';
import type { Snapshot } from '../plugin.ts';
import type { PodShape } from '../pod-view.ts';

/** A pod (anti-)affinity term, ready to be asked about many pods. */
export interface PodTerm {
  readonly topologyKey: string;
  matches(candidate: PodShape): boolean;
}

/** `owner` is the pod that carries the term: its namespace is meant where the term names none. */
export function compileTerm(term: PodAffinityTerm, owner: PodShape, snapshot: Snapshot): PodTerm {
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
function selectorWithKeys(term: PodAffinityTerm, owner: PodShape): Selector | undefined {
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

/** The affinity terms of a pod's shape. */
export interface ShapeTerms {
  readonly near: readonly PodTerm[];
  readonly away: readonly PodTerm[];
  readonly preferred: readonly WeightedTerm[];
}

export interface WeightedTerm {
  readonly term: PodTerm;
  /** Negative: the farther the better. */
  readonly weight: number;
}

export function termsOf(shape: PodShape, snapshot: Snapshot): ShapeTerms {
  const { podAffinity, podAntiAffinity } = shape.affinity ?? {};
  const compile = (term: PodAffinityTerm) => compileTerm(term, shape, snapshot);
  const weigh = (terms: typeof podAffinity, sign: 1 | -1) =>
    (terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, podAffinityTerm }) => ({
      term: compile(podAffinityTerm),
      weight: sign * weight,
    }));
  return {
    near: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compile),
    away: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compile),
    preferred: [...weigh(podAffinity, 1), ...weigh(podAntiAffinity, -1)],
  };
}

/** Terms of shapes that were met, compiled once. */
export function shapeTerms(snapshot: Snapshot): (shape: PodShape) => ShapeTerms {
  const known = new WeakMap<PodShape, ShapeTerms>();
  return (shape) => {
    let terms = known.get(shape);
    if (!terms) {
      terms = termsOf(shape, snapshot);
      known.set(shape, terms);
    }
    return terms;
  };
}
