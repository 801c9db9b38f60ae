import type { TopologySpreadConstraint } from '../../../generated/core-v1.ts';
import { hasLabels, matchesSelector, type Selector } from '../../api/meta/labels.ts';
import { selectorOf } from '../../api/meta/selectors.ts';
import type { NodeView } from '../node-cache.ts';
import { accepted, type Filter, refused, refusedForGood, type Score, type Snapshot } from '../plugin.ts';
import type { PodView } from '../pod-view.ts';
import { matchesNodeAffinity } from './node-affinity.ts';
import { isTolerated } from './tolerations.ts';

interface Constraint {
  readonly key: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  counts(candidate: PodView): boolean;
  /** Whether the node's pods take part, by the constraint's node policies. */
  includes(node: NodeView): boolean;
}

function compile(constraint: TopologySpreadConstraint, pod: PodView): Constraint {
  const selector: Selector = [
    ...((constraint.labelSelector && selectorOf(constraint.labelSelector)) ?? []),
    ...(constraint.matchLabelKeys ?? [])
      .filter((key) => pod.labels[key] !== undefined)
      .map((key) => ({ key, operator: 'in' as const, values: [pod.labels[key]!] })),
  ];
  const hasSelector = constraint.labelSelector !== undefined;
  const honorsAffinity = (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor';
  const honorsTaints = constraint.nodeTaintsPolicy === 'Honor';
  return {
    key: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    counts: (other) =>
      hasSelector &&
      other.namespace === pod.namespace &&
      !other.pod.metadata.deletionTimestamp &&
      matchesSelector(selector, other.labels),
    includes: (node) =>
      (!honorsAffinity || matchesNodeAffinity(pod, node)) &&
      (!honorsTaints ||
        (node.node.spec.taints ?? []).every(
          (taint) => taint.effect === 'PreferNoSchedule' || isTolerated(pod.pod.spec.tolerations, taint),
        )),
  };
}

/** Matching pods in each value of the constraint's key. */
function countDomains(
  nodes: readonly NodeView[],
  constraint: Constraint,
  keys: readonly string[],
): Map<string, number> {
  const domains = new Map<string, number>();
  for (const node of nodes) {
    if (keys.some((key) => node.labels[key] === undefined) || !constraint.includes(node)) continue;
    const value = node.labels[constraint.key]!;
    let count = domains.get(value) ?? 0;
    for (const existing of node.pods.values()) if (constraint.counts(existing)) count++;
    domains.set(value, count);
  }
  return domains;
}

const constraintsOf = (pod: PodView, effect: 'DoNotSchedule' | 'ScheduleAnyway') =>
  (pod.pod.spec.topologySpreadConstraints ?? [])
    .filter((each) => each.whenUnsatisfiable === effect)
    .map((each) => compile(each, pod));

/** Constraints that must hold: no domain more than maxSkew above the emptiest. */
export const podTopologySpread: Filter = {
  name: 'PodTopologySpread',
  wokenBy: ['node-added', 'node-labels', 'node-taints', 'pod-placed', 'pod-gone', 'pod-labels'],
  prepare(pod, snapshot) {
    const constraints = constraintsOf(pod, 'DoNotSchedule');
    if (constraints.length === 0) return undefined;
    const keys = constraints.map(({ key }) => key);
    const counted = constraints.map((constraint) => {
      const domains = countDomains(snapshot.nodes, constraint, keys);
      const emptiest = domains.size < constraint.minDomains ? 0 : Math.min(...domains.values());
      return { constraint, domains, emptiest };
    });
    return (node) => {
      for (const { constraint, domains, emptiest } of counted) {
        const value = node.labels[constraint.key];
        if (value === undefined)
          return refusedForGood("node(s) didn't match pod topology spread constraints (missing required label)");
        const self = constraint.counts(pod) ? 1 : 0;
        const skew = (domains.get(value) ?? 0) + self - (Number.isFinite(emptiest) ? emptiest : 0);
        if (skew > constraint.maxSkew) return refused("node(s) didn't match pod topology spread constraints");
      }
      return accepted;
    };
  },
};

/** Pods without constraints of their own spread with their siblings, over hosts and zones. */
function defaultConstraints(pod: PodView, snapshot: Snapshot): Constraint[] {
  if (pod.pod.spec.topologySpreadConstraints?.length) return [];
  const services = snapshot
    .services(pod.namespace)
    .filter(({ spec }) => spec.selector && hasLabels(pod.labels, spec.selector));
  if (!pod.owner && services.length === 0) return [];
  const counts = (other: PodView) =>
    other.namespace === pod.namespace &&
    !other.pod.metadata.deletionTimestamp &&
    (!pod.owner || other.owner === pod.owner) &&
    services.every(({ spec }) => hasLabels(other.labels, spec.selector));
  const includes = () => true;
  return [
    { key: 'kubernetes.io/hostname', maxSkew: 3, minDomains: 1, counts, includes },
    { key: 'topology.kubernetes.io/zone', maxSkew: 5, minDomains: 1, counts, includes },
  ];
}

/** Prefers domains with fewer matching pods; each constraint weighs the more, the more domains it has. */
export const podTopologySpreadScore: Score = {
  name: 'PodTopologySpread',
  weight: 2,
  score(pod, nodes, snapshot) {
    const defaults = defaultConstraints(pod, snapshot);
    const constraints = [...constraintsOf(pod, 'ScheduleAnyway'), ...defaults];
    const counted = constraints
      .map((constraint) => ({ constraint, domains: countDomains(snapshot.nodes, constraint, [constraint.key]) }))
      .filter(({ domains }) => domains.size > 0);
    if (counted.length === 0) return undefined;
    const raw = nodes.map((node) => {
      let sum = 0;
      for (const { constraint, domains } of counted) {
        const value = node.labels[constraint.key];
        if (value === undefined) continue;
        sum += (domains.get(value) ?? 0) * Math.log(domains.size + 2) + (constraint.maxSkew - 1);
      }
      return Math.round(sum);
    });
    const [lowest, highest] = [Math.min(...raw), Math.max(...raw)];
    return raw.map((value) => (highest === 0 ? 100 : Math.floor((100 * (highest + lowest - value)) / highest)));
  },
};
