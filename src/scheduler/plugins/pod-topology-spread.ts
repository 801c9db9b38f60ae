// Pods spread over zones, hosts and the like. For each constraint the pods of each domain are counted, and which domain
// has the fewest is known at any time; a node that changed is counted again, others are not looked at.
import type { Taint, TopologySpreadConstraint } from '../../../generated/core-v1.ts';
import { hasLabels, matchesSelector, type Selector } from '../../api/meta/labels.ts';
import { selectorOf } from '../../api/meta/selectors.ts';
import type { NodeView } from '../node-cache.ts';
import {
  accepted,
  type CountingFilter,
  type CountingScore,
  type Filter,
  refused,
  refusedForGood,
  type Score,
  type Snapshot,
  type WorldFilterPlugin,
  type WorldScorePlugin,
} from '../plugin.ts';
import type { PodShape, PodView } from '../pod-view.ts';
import { DomainCounts, Tally, type Topology } from '../topology.ts';
import { requiredAffinity } from './node-affinity.ts';
import { isTolerated } from './tolerations.ts';

const hostname = 'kubernetes.io/hostname';
const noLabel = refusedForGood("node(s) didn't match pod topology spread constraints (missing required label)");
const uneven = refused("node(s) didn't match pod topology spread constraints");

interface Constraint {
  readonly key: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  /** The pod is one of those it counts. */
  readonly countsItself: boolean;
  counts(shape: PodShape): boolean;
  /** Whether the node's pods take part, by the constraint's node policies. */
  includes(node: NodeView): boolean;
}

function compile(constraint: TopologySpreadConstraint, pod: PodView): Constraint {
  const isSelecting = constraint.labelSelector !== undefined;
  const selector: Selector = [
    ...((constraint.labelSelector && selectorOf(constraint.labelSelector)) ?? []),
    ...(constraint.matchLabelKeys ?? [])
      .filter((key) => pod.labels[key] !== undefined)
      .map((key) => ({ key, operator: 'in' as const, values: [pod.labels[key]!] })),
  ];
  const affinity = (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor' ? requiredAffinity(pod) : undefined;
  const honorsTaints = constraint.nodeTaintsPolicy === 'Honor';
  const isPutUpWith = (taint: Taint) =>
    taint.effect === 'PreferNoSchedule' || isTolerated(pod.pod.spec.tolerations, taint);
  return {
    key: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    countsItself: isSelecting && matchesSelector(selector, pod.labels),
    // A selector that selects everything counts nothing.
    counts: (shape) =>
      isSelecting &&
      selector.length > 0 &&
      shape.namespace === pod.namespace &&
      !shape.isLeaving &&
      matchesSelector(selector, shape.labels),
    includes: (node) =>
      (affinity === undefined || affinity(node)) && (!honorsTaints || (node.node.spec.taints ?? []).every(isPutUpWith)),
  };
}

function countOn(node: NodeView, constraint: Constraint): number {
  let count = 0;
  for (const [shape, pods] of node.shapes) if (constraint.counts(shape)) count += pods;
  return count;
}

const constraintsOf = (pod: PodView, effect: 'DoNotSchedule' | 'ScheduleAnyway') =>
  (pod.pod.spec.topologySpreadConstraints ?? [])
    .filter((each) => each.whenUnsatisfiable === effect)
    .map((each) => compile(each, pod));

const hasKeys = ({ labels }: NodeView, constraints: readonly Constraint[]) =>
  constraints.every(({ key }) => labels[key] !== undefined);

class SpreadFilter implements CountingFilter {
  readonly isIdle = false;
  readonly #constraints: readonly Constraint[];
  readonly #counts: readonly DomainCounts[];

  constructor(constraints: readonly Constraint[], { cache }: Snapshot) {
    this.#constraints = constraints;
    this.#counts = constraints.map(({ key }) => new DomainCounts(cache.topology(key)));
  }

  recount(node: NodeView): void {
    const takesPart = node.isKnown && hasKeys(node, this.#constraints);
    this.#constraints.forEach((constraint, index) => {
      const pods = takesPart && constraint.includes(node) ? countOn(node, constraint) : -1;
      this.#counts[index]!.set(node.row, pods);
    });
  }

  whyNot({ row }: NodeView) {
    for (let index = 0; index < this.#constraints.length; index++) {
      const { maxSkew, minDomains, countsItself } = this.#constraints[index]!;
      const counts = this.#counts[index]!;
      if (counts.topology.domainOf[row]! < 0) return noLabel;
      const emptiest = counts.domains < minDomains ? 0 : counts.lowest;
      if (counts.at(row) + (countsItself ? 1 : 0) - emptiest > maxSkew) return uneven;
    }
    return accepted;
  }
}

/** Constraints that must hold: no domain more than maxSkew above the emptiest. */
export const podTopologySpread: Filter = {
  name: 'PodTopologySpread',
  keeps: 'world',
  wokenBy: ['node-added', 'node-labels', 'node-taints', 'pod-placed', 'pod-gone', 'pod-labels'],
  helps(refusedPod, { type, node, pod }) {
    const constraints = constraintsOf(refusedPod, 'DoNotSchedule');
    if (pod === undefined) return !node || hasKeys(node, constraints);
    // One that leaves is not counted any more: its going helps as that of any other.
    const shape = { ...pod.shape, isLeaving: false };
    return type === 'pod-labels' || constraints.some((constraint) => constraint.counts(shape));
  },
  prepare(pod, snapshot) {
    const constraints = constraintsOf(pod, 'DoNotSchedule');
    return constraints.length > 0 ? new SpreadFilter(constraints, snapshot) : undefined;
  },
};

/** Which pods are siblings of one without constraints of its own; undefined: it has constraints, or no siblings. */
function siblingsOf(pod: PodView, snapshot: Snapshot): ((other: PodShape) => boolean) | undefined {
  if (pod.pod.spec.topologySpreadConstraints?.length) return undefined;
  const services = snapshot
    .services(pod.namespace)
    .filter(({ spec }) => spec.selector && hasLabels(pod.labels, spec.selector));
  if (!pod.owner && services.length === 0) return undefined;
  return (other) =>
    other.namespace === pod.namespace &&
    !other.isLeaving &&
    (!pod.owner || other.owner === pod.owner) &&
    services.every(({ spec }) => hasLabels(other.labels, spec.selector));
}

/** Siblings are spread over hosts and zones. */
function defaultConstraints(pod: PodView, snapshot: Snapshot): Constraint[] {
  const counts = siblingsOf(pod, snapshot);
  if (!counts) return [];
  const always = { minDomains: 1, countsItself: true, counts, includes: () => true };
  return [
    { key: hostname, maxSkew: 3, ...always },
    { key: 'topology.kubernetes.io/zone', maxSkew: 5, ...always },
  ];
}

class SpreadScore implements CountingScore {
  readonly isIdle = false;
  readonly #constraints: readonly Constraint[];
  /** Nodes must have the labels of all constraints; not asked of the constraints that pods get by default. */
  readonly #needsAll: boolean;
  readonly #tallies: readonly Tally[];
  /** By constraint, then domain: the number of the last question in which a node of it took part. */
  readonly #seen: Int32Array[];
  #question = 0;

  constructor(constraints: readonly Constraint[], needsAll: boolean, { cache }: Snapshot) {
    this.#constraints = constraints;
    this.#needsAll = needsAll;
    this.#tallies = constraints.map(({ key }) => new Tally(cache.topology(key)));
    this.#seen = constraints.map(() => new Int32Array(8));
  }

  recount(node: NodeView): void {
    const takesPart = node.isKnown && (!this.#needsAll || hasKeys(node, this.#constraints));
    let previous: Constraint | undefined;
    let pods = 0;
    this.#constraints.forEach((constraint, index) => {
      // A host's own pods count whatever the policies say.
      const counts = node.isKnown && (constraint.key === hostname || (takesPart && constraint.includes(node)));
      if (counts && constraint.counts !== previous?.counts) pods = countOn(node, constraint);
      if (counts) previous = constraint;
      this.#tallies[index]!.set(node.row, counts ? pods : 0);
    });
  }

  score(rows: Int32Array, count: number, into: Float64Array): void {
    const weights = this.#weights(rows, count);
    let lowest = Number.POSITIVE_INFINITY;
    let highest = 0;
    for (let at = 0; at < count; at++) {
      const row = rows[at]!;
      if (this.#isIgnored(row)) {
        into[at] = -1;
        continue;
      }
      const raw = this.#raw(row, weights);
      into[at] = raw;
      if (raw < lowest) lowest = raw;
      if (raw > highest) highest = raw;
    }
    for (let at = 0; at < count; at++) {
      const raw = into[at]!;
      into[at] = raw < 0 ? 0 : highest === 0 ? 100 : Math.floor((100 * (highest + lowest - raw)) / highest);
    }
  }

  #raw(row: number, weights: readonly number[]): number {
    let sum = 0;
    for (let index = 0; index < weights.length; index++) {
      const tally = this.#tallies[index]!;
      if (tally.topology.domainOf[row]! < 0) continue;
      sum += tally.at(row) * weights[index]! + (this.#constraints[index]!.maxSkew - 1);
    }
    return Math.round(sum);
  }

  #isIgnored(row: number): boolean {
    if (!this.#needsAll) return false;
    for (const { topology } of this.#tallies) if (topology.domainOf[row]! < 0) return true;
    return false;
  }

  /** A constraint weighs the more, the more domains the nodes in question have. */
  #weights(rows: Int32Array, count: number): number[] {
    this.#question++;
    let scored = count;
    if (this.#needsAll) for (let at = 0; at < count; at++) if (this.#isIgnored(rows[at]!)) scored--;
    return this.#tallies.map(({ topology }, index) => {
      const isHost = this.#constraints[index]!.key === hostname;
      return Math.log((isHost ? scored : this.#domainsOf(topology, index, rows, count)) + 2);
    });
  }

  #domainsOf({ domainOf, size }: Topology, index: number, rows: Int32Array, count: number): number {
    // One place more, for the nodes without the label: together they count as a domain.
    if (this.#seen[index]!.length <= size) this.#seen[index] = new Int32Array(2 * size + 2);
    const seen = this.#seen[index]!;
    let domains = 0;
    for (let at = 0; at < count; at++) {
      const row = rows[at]!;
      if (this.#isIgnored(row)) continue;
      const place = domainOf[row]! + 1;
      if (seen[place] === this.#question) continue;
      seen[place] = this.#question;
      domains++;
    }
    return domains;
  }
}

/** Prefers domains with fewer matching pods; each constraint weighs the more, the more domains it has. */
export const podTopologySpreadScore: Score = {
  name: 'PodTopologySpread',
  weight: 2,
  keeps: 'world',
  prepare(pod, snapshot) {
    const own = constraintsOf(pod, 'ScheduleAnyway');
    if (own.length > 0) return new SpreadScore(own, true, snapshot);
    const defaults = defaultConstraints(pod, snapshot);
    return defaults.length > 0 ? new SpreadScore(defaults, false, snapshot) : undefined;
  },
};

type Effect = 'DoNotSchedule' | 'ScheduleAnyway';

/** A profile's own constraints, for pods that have none. */
function listed(
  list: readonly TopologySpreadConstraint[],
  effect: Effect,
  pod: PodView,
  snapshot: Snapshot,
): Constraint[] {
  const counts = siblingsOf(pod, snapshot);
  if (!counts) return [];
  const wanted = list.filter((each) => each.whenUnsatisfiable === effect);
  return wanted.map((each) => ({ ...compile(each, pod), counts, countsItself: true }));
}

export function spreadFilterWith(list: readonly TopologySpreadConstraint[]): Filter {
  const { helps: _, ...plugin } = podTopologySpread as WorldFilterPlugin;
  return {
    ...plugin,
    prepare(pod, snapshot) {
      const own = plugin.prepare(pod, snapshot);
      if (own) return own;
      const constraints = listed(list, 'DoNotSchedule', pod, snapshot);
      return constraints.length > 0 ? new SpreadFilter(constraints, snapshot) : undefined;
    },
  };
}

export function spreadScoreWith(weight: number, list: readonly TopologySpreadConstraint[]): Score {
  return {
    ...(podTopologySpreadScore as WorldScorePlugin),
    weight,
    prepare(pod: PodView, snapshot: Snapshot) {
      const own = constraintsOf(pod, 'ScheduleAnyway');
      const constraints = own.length > 0 ? own : listed(list, 'ScheduleAnyway', pod, snapshot);
      return constraints.length > 0 ? new SpreadScore(constraints, true, snapshot) : undefined;
    },
  };
}
