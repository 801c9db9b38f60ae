import type { NodeView } from '../node-cache.ts';
import { accepted, type Filter, refused, refusedForGood, type Score, type Snapshot } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { compileTerm, type PodTerm } from './pod-terms.ts';

/** Topology key → value → how many pods there match. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(key: string, node: NodeView, amount: number): void {
    const value = node.labels[key];
    if (value === undefined || amount === 0) return;
    const place = `${key}=${value}`;
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + amount);
  }

  at(key: string, node: NodeView): number {
    return this.#counts.get(`${key}=${node.labels[key]}`) ?? 0;
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }
}

function requiredTerms(pod: PodView, which: 'podAffinity' | 'podAntiAffinity', snapshot: Snapshot): PodTerm[] {
  const terms = pod.pod.spec.affinity?.[which]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.map((term) => compileTerm(term, pod, snapshot));
}

/** Where existing pods that must not be near `pod` are. */
function keptAwayBy(pod: PodView, snapshot: Snapshot): Tally {
  const tally = new Tally();
  if (snapshot.antiAffinityPods === 0) return tally;
  for (const node of snapshot.nodes) {
    if (node.antiAffinityPods === 0) continue;
    for (const existing of node.pods.values()) {
      if (!existing.hasAntiAffinity) continue;
      for (const term of requiredTerms(existing, 'podAntiAffinity', snapshot)) {
        if (term.matches(pod)) tally.add(term.topologyKey, node, 1);
      }
    }
  }
  return tally;
}

function countMatches(
  nodes: readonly NodeView[],
  terms: readonly PodTerm[],
  matches: (pod: PodView, term: PodTerm) => boolean,
): Tally {
  const tally = new Tally();
  if (terms.length === 0) return tally;
  for (const node of nodes) {
    for (const existing of node.pods.values()) {
      for (const term of terms) if (matches(existing, term)) tally.add(term.topologyKey, node, 1);
    }
  }
  return tally;
}

/** Required affinity and anti-affinity, both ways. */
export const interPodAffinity: Filter = {
  name: 'InterPodAffinity',
  wokenBy: ['node-added', 'node-labels', 'pod-placed', 'pod-gone', 'pod-labels'],
  prepare(pod, snapshot) {
    const near = requiredTerms(pod, 'podAffinity', snapshot);
    const away = requiredTerms(pod, 'podAntiAffinity', snapshot);
    if (near.length + away.length + snapshot.antiAffinityPods === 0) return undefined;
    const existing = keptAwayBy(pod, snapshot);
    const nearAll = countMatches(snapshot.nodes, near, (other) => near.every((term) => term.matches(other)));
    const awayAny = countMatches(snapshot.nodes, away, (other, term) => term.matches(other));
    // The first pod of a group that wants to be near itself may go anywhere.
    const mayStartGroup = nearAll.isEmpty && near.every((term) => term.matches(pod));
    const existingKeys = new Set(existing.isEmpty ? [] : snapshot.nodes.flatMap((node) => Object.keys(node.labels)));
    return (node) => {
      const hasKeys = near.every((term) => node.labels[term.topologyKey] !== undefined);
      const isNear = hasKeys && (mayStartGroup || near.every((term) => nearAll.at(term.topologyKey, node) > 0));
      if (!isNear) return refusedForGood("node(s) didn't match pod affinity rules");
      if (away.some((term) => awayAny.at(term.topologyKey, node) > 0))
        return refused("node(s) didn't match pod anti-affinity rules");
      for (const key of existingKeys) {
        if (node.labels[key] !== undefined && existing.at(key, node) > 0) {
          return refused("node(s) didn't satisfy existing pods anti-affinity rules");
        }
      }
      return accepted;
    };
  },
};

interface WeightedTerm {
  readonly term: PodTerm;
  readonly weight: number;
}

function preferredTerms(pod: PodView, snapshot: Snapshot): WeightedTerm[] {
  const { podAffinity, podAntiAffinity } = pod.pod.spec.affinity ?? {};
  const weigh = (terms: typeof podAffinity, sign: 1 | -1) =>
    (terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, podAffinityTerm }) => ({
      term: compileTerm(podAffinityTerm, pod, snapshot),
      weight: sign * weight,
    }));
  return [...weigh(podAffinity, 1), ...weigh(podAntiAffinity, -1)];
}

/** Preferred affinity of the pod, and that of the pods already there towards it. */
export const interPodAffinityScore: Score = {
  name: 'InterPodAffinity',
  weight: 2,
  score(pod, nodes, snapshot) {
    const own = preferredTerms(pod, snapshot);
    if (own.length === 0 && snapshot.affinityPods === 0) return undefined;
    const tally = new Tally();
    const keys = new Set<string>();
    const note = ({ term, weight }: WeightedTerm, node: NodeView) => {
      keys.add(term.topologyKey);
      tally.add(term.topologyKey, node, weight);
    };
    for (const node of snapshot.nodes) {
      if (own.length === 0 && node.affinityPods === 0) continue;
      for (const existing of node.pods.values()) {
        for (const weighted of own) if (weighted.term.matches(existing)) note(weighted, node);
        if (!existing.hasPodAffinity) continue;
        for (const weighted of preferredTerms(existing, snapshot)) if (weighted.term.matches(pod)) note(weighted, node);
        for (const term of requiredTerms(existing, 'podAffinity', snapshot)) {
          if (term.matches(pod)) note({ term, weight: 1 }, node);
        }
      }
    }
    if (keys.size === 0) return undefined;
    const raw = nodes.map((node) => [...keys].reduce((sum, key) => sum + tally.at(key, node), 0));
    const [lowest, highest] = [Math.min(...raw), Math.max(...raw)];
    return raw.map((value) => (highest > lowest ? Math.floor((100 * (value - lowest)) / (highest - lowest)) : 0));
  },
};
