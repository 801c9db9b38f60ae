// Pods that want to be near others, or away from them. What matters is counted by topology: how many pods that match are
// in each zone, on each host; a node that changed is counted again, others are not looked at.
import type { NodeView } from '../node-cache.ts';
import {
  accepted,
  type Change,
  type CountingFilter,
  type CountingScore,
  type Filter,
  refused,
  refusedForGood,
  type Score,
  type Snapshot,
  type WorldScorePlugin,
} from '../plugin.ts';
import type { PodShape, PodView } from '../pod-view.ts';
import { type PodTerm, type ShapeTerms, shapeTerms, termsOf } from './pod-terms.ts';
import { TopologyTallies } from './topology-tallies.ts';

const tooFar = refusedForGood("node(s) didn't match pod affinity rules");
const tooNear = refused("node(s) didn't match pod anti-affinity rules");
const keptAway = refused("node(s) didn't satisfy existing pods anti-affinity rules");

class AffinityFilter implements CountingFilter {
  readonly #shape: PodShape;
  readonly #near: readonly PodTerm[];
  readonly #away: readonly PodTerm[];
  readonly #matchesItself: boolean;
  readonly #termsOf: (shape: PodShape) => ShapeTerms;
  /** Pods that match all terms of what it wants to be near. */
  readonly #nearPods: TopologyTallies;
  /** Pods that match a term of what it wants to be away from. */
  readonly #awayPods: TopologyTallies;
  /** Pods that want to be away from it. */
  readonly #existing: TopologyTallies;

  constructor({ shape }: PodView, snapshot: Snapshot) {
    const { near, away } = termsOf(shape, snapshot);
    this.#shape = shape;
    this.#near = near;
    this.#away = away;
    this.#matchesItself = near.every((term) => term.matches(shape));
    this.#termsOf = shapeTerms(snapshot);
    this.#nearPods = new TopologyTallies(snapshot, near.map(keyOfTerm));
    this.#awayPods = new TopologyTallies(snapshot, away.map(keyOfTerm));
    this.#existing = new TopologyTallies(snapshot);
  }

  get countsAffinity(): boolean {
    return this.#near.length + this.#away.length === 0;
  }

  get isIdle(): boolean {
    return this.#near.length + this.#away.length === 0 && this.#existing.isEmpty;
  }

  recount(node: NodeView): void {
    if (this.#near.length + this.#away.length > 0) this.#countOwn(node);
    if (node.antiAffinityPods > 0 || !this.#existing.isEmpty) this.#countExisting(node);
  }

  whyNot({ row }: NodeView) {
    if (!this.#isNear(row)) return tooFar;
    for (const tally of this.#awayPods.all) if (tally.at(row) > 0) return tooNear;
    for (const tally of this.#existing.all) if (tally.at(row) > 0) return keptAway;
    return accepted;
  }

  #isNear(row: number): boolean {
    if (this.#near.length === 0) return true;
    let arePodsThere = true;
    for (const tally of this.#nearPods.all) {
      if (tally.topology.domainOf[row]! < 0) return false;
      if (tally.at(row) <= 0) arePodsThere = false;
    }
    // The first pod of a group that wants to be near itself may go anywhere.
    return arePodsThere || (this.#matchesItself && this.#nearPods.isEmpty);
  }

  #countOwn(node: NodeView): void {
    if (node.isKnown) {
      for (const [shape, pods] of node.shapes) {
        if (this.#near.length > 0 && this.#near.every((term) => term.matches(shape))) {
          for (const { topologyKey } of this.#near) this.#nearPods.note(topologyKey, pods);
        }
        for (const term of this.#away) if (term.matches(shape)) this.#awayPods.note(term.topologyKey, pods);
      }
    }
    this.#nearPods.give(node);
    this.#awayPods.give(node);
  }

  #countExisting(node: NodeView): void {
    if (node.isKnown && node.antiAffinityPods > 0) {
      for (const [shape, pods] of node.shapes) {
        if (!shape.hasAntiAffinity) continue;
        for (const term of this.#termsOf(shape).away) {
          if (term.matches(this.#shape)) this.#existing.note(term.topologyKey, pods);
        }
      }
    }
    this.#existing.give(node);
  }
}

const keyOfTerm = ({ topologyKey }: PodTerm) => topologyKey;

/** Required affinity and anti-affinity, both ways. */
export const interPodAffinity: Filter = {
  name: 'InterPodAffinity',
  keeps: 'world',
  wokenBy: ['node-added', 'node-labels', 'pod-placed', 'pod-gone', 'pod-labels'],
  helps: mayChangeAffinity,
  prepare: (pod, snapshot) => new AffinityFilter(pod, snapshot),
};

/** Whether the pod is one that the refused one wants near, or one that kept it away. */
function mayChangeAffinity({ shape }: PodView, { type, node, pod }: Change, snapshot: Snapshot): boolean {
  const { near, away } = termsOf(shape, snapshot);
  if (pod === undefined) return !node || near.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
  if (type === 'pod-placed') return near.some((term) => term.matches(pod.shape));
  if (type === 'pod-labels') return true;
  return (
    away.some((term) => term.matches(pod.shape)) ||
    near.some((term) => term.matches(pod.shape)) ||
    (pod.hasAntiAffinity && termsOf(pod.shape, snapshot).away.some((term) => term.matches(shape)))
  );
}

class AffinityScore implements CountingScore {
  readonly #shape: PodShape;
  /** What the required affinity of pods already there weighs. */
  readonly #hardWeight: number;
  readonly #own: ShapeTerms['preferred'];
  readonly #termsOf: (shape: PodShape) => ShapeTerms;
  readonly #weights: TopologyTallies;

  constructor({ shape }: PodView, snapshot: Snapshot, hardWeight = 1) {
    this.#shape = shape;
    this.#hardWeight = hardWeight;
    this.#own = termsOf(shape, snapshot).preferred;
    this.#termsOf = shapeTerms(snapshot);
    this.#weights = new TopologyTallies(snapshot);
  }

  get countsAffinity(): boolean {
    return this.#own.length === 0;
  }

  get isIdle(): boolean {
    return this.#weights.isEmpty;
  }

  recount(node: NodeView): void {
    if (this.#own.length === 0 && node.affinityPods === 0 && this.#weights.isEmpty) return;
    if (node.isKnown) {
      for (const [shape, pods] of node.shapes) {
        for (const { term, weight } of this.#own) {
          if (term.matches(shape)) this.#weights.note(term.topologyKey, weight * pods);
        }
        if (shape.hasPodAffinity) this.#countExisting(shape, pods);
      }
    }
    this.#weights.give(node);
  }

  #countExisting(shape: PodShape, pods: number): void {
    const { near, preferred } = this.#termsOf(shape);
    for (const { term, weight } of preferred) {
      if (term.matches(this.#shape)) this.#weights.note(term.topologyKey, weight * pods);
    }
    if (this.#hardWeight === 0) return;
    for (const term of near) {
      if (term.matches(this.#shape)) this.#weights.note(term.topologyKey, this.#hardWeight * pods);
    }
  }

  score(rows: Int32Array, count: number, into: Float64Array): void {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < count; at++) {
      let sum = 0;
      for (const tally of this.#weights.all) sum += tally.at(rows[at]!);
      into[at] = sum;
      if (sum < lowest) lowest = sum;
      if (sum > highest) highest = sum;
    }
    const range = highest - lowest;
    for (let at = 0; at < count; at++) {
      into[at] = range > 0 ? Math.trunc(100 * ((into[at]! - lowest) / range)) : 0;
    }
  }
}

/** Preferred affinity of the pod, and that of the pods already there towards it. */
export const interPodAffinityScore: Score = {
  name: 'InterPodAffinity',
  weight: 2,
  keeps: 'world',
  prepare: (pod, snapshot) => new AffinityScore(pod, snapshot),
};

interface AffinityArgs {
  readonly hardPodAffinityWeight: number;
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** The same with a profile's arguments. */
export function affinityScoreWith(weight: number, args: AffinityArgs): Score {
  const { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods: ignoresOthers } = args;
  return {
    ...(interPodAffinityScore as WorldScorePlugin),
    weight,
    prepare(pod: PodView, snapshot: Snapshot) {
      if (ignoresOthers && termsOf(pod.shape, snapshot).preferred.length === 0) return undefined;
      return new AffinityScore(pod, snapshot, hardPodAffinityWeight);
    },
  };
}
