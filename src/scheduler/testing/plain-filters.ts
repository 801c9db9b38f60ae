// The filters, said plainly: every question goes over everything there is. Slow, and easy to hold against upstream's
// documentation; plugins must agree with it.
import type { Node, Pod, Taint, TopologySpreadConstraint } from '../../../generated/core-v1.ts';
import { tolerates } from '../plugins/tolerations.ts';
import { amountsOf, podRequests } from '../resources.ts';
import { labelsOf, meant, type PlainWorld, podsOn, selects } from './plain-world.ts';

/** Reasons of the first filter that refuses; whether each is final. */
export type Reasons = readonly (readonly [reason: string, isFinal: boolean])[];

const tolerated = (pod: Pod, taint: Taint) => (pod.spec.tolerations ?? []).some((each) => tolerates(each, taint));

export function matchesNode(pod: Pod, node: Node): boolean {
  const labels = labelsOf(node);
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return !terms || terms.some(({ matchExpressions = [] }) => isEvery(matchExpressions, labels));
}

export function isEvery(
  expressions: readonly { key: string; operator: string; values?: string[] }[],
  labels: Record<string, string>,
): boolean {
  if (expressions.length === 0) return false;
  return expressions.every(({ key, operator, values = [] }) => {
    if (operator === 'In') return values.includes(labels[key] ?? '\n');
    if (operator === 'NotIn') return !values.includes(labels[key] ?? '\n');
    return operator === 'Exists' ? labels[key] !== undefined : labels[key] === undefined;
  });
}

function resources(pod: Pod, node: Node, there: readonly Pod[]): Reasons {
  const allocatable = amountsOf(node.status?.allocatable);
  const reasons: [string, boolean][] = [];
  if (there.length + 1 > (allocatable.get('pods') ?? 0)) reasons.push(['Too many pods', false]);
  for (const [name, amount] of podRequests(pod)) {
    if (amount === 0) continue;
    const used = there.reduce((sum, other) => sum + (podRequests(other).get(name) ?? 0), 0);
    const all = allocatable.get(name) ?? 0;
    if (amount > all - used) reasons.push([`Insufficient ${name}`, amount > all]);
  }
  return reasons;
}

const hostPorts = (pod: Pod) =>
  pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.filter(({ hostPort }) => hostPort).map((each) => each.hostPort!),
  );

function spread(pod: Pod, node: Node, world: PlainWorld): Reasons {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  );
  for (const constraint of constraints) {
    const value = labelsOf(node)[constraint.topologyKey];
    if (value === undefined)
      return [["node(s) didn't match pod topology spread constraints (missing required label)", true]];
    const domains = domainsOf(constraint, constraints, pod, world);
    const lowest = domains.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...domains.values());
    const self = selects(constraint.labelSelector, labelsOf(pod)) ? 1 : 0;
    if ((domains.get(value) ?? 0) + self - lowest > constraint.maxSkew)
      return [["node(s) didn't match pod topology spread constraints", false]];
  }
  return [];
}

/** Pods that a constraint counts in each domain, over the nodes that take part. */
export function domainsOf(
  constraint: TopologySpreadConstraint,
  all: readonly TopologySpreadConstraint[],
  pod: Pod,
  world: PlainWorld,
): Map<string, number> {
  const domains = new Map<string, number>();
  for (const [name, node] of world.nodes) {
    const labels = labelsOf(node);
    if (!all.every(({ topologyKey }) => labels[topologyKey] !== undefined) || !takesPart(constraint, pod, node))
      continue;
    const value = labels[constraint.topologyKey]!;
    const counted = podsOn(world, name).filter((other) => isCounted(constraint, pod, other)).length;
    domains.set(value, (domains.get(value) ?? 0) + counted);
  }
  return domains;
}

export function takesPart({ nodeAffinityPolicy, nodeTaintsPolicy }: TopologySpreadConstraint, pod: Pod, node: Node) {
  if ((nodeAffinityPolicy ?? 'Honor') === 'Honor' && !matchesNode(pod, node)) return false;
  if (nodeTaintsPolicy !== 'Honor') return true;
  return (node.spec.taints ?? []).every((taint) => taint.effect === 'PreferNoSchedule' || tolerated(pod, taint));
}

export const isCounted = ({ labelSelector }: TopologySpreadConstraint, pod: Pod, other: Pod) =>
  other.metadata.namespace === pod.metadata.namespace &&
  !other.metadata.deletionTimestamp &&
  selects(labelSelector, labelsOf(other));

function affinity(pod: Pod, node: Node, world: PlainWorld): Reasons {
  const near = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const away = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const all = [...world.placed.values()].filter((each) => world.nodes.has(each.node));
  const isSame = (key: string, other: string) =>
    labelsOf(node)[key] !== undefined && labelsOf(world.nodes.get(other)!)[key] === labelsOf(node)[key];
  if (near.some(({ topologyKey }) => labelsOf(node)[topologyKey] === undefined))
    return [["node(s) didn't match pod affinity rules", true]];
  const friends = all.filter((other) => near.length > 0 && near.every((term) => meant(term, pod, other.pod, world)));
  const isNear = near.every(({ topologyKey }) => friends.some((other) => isSame(topologyKey, other.node)));
  const isFirst =
    !friends.some((other) => near.some(({ topologyKey }) => labelsOf(world.nodes.get(other.node)!)[topologyKey])) &&
    near.every((term) => meant(term, pod, pod, world));
  if (!isNear && !isFirst) return [["node(s) didn't match pod affinity rules", true]];
  for (const other of all) {
    if (away.some((term) => isSame(term.topologyKey, other.node) && meant(term, pod, other.pod, world)))
      return [["node(s) didn't match pod anti-affinity rules", false]];
  }
  for (const other of all) {
    const theirs = other.pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    if (theirs.some((term) => isSame(term.topologyKey, other.node) && meant(term, other.pod, pod, world)))
      return [["node(s) didn't satisfy existing pods anti-affinity rules", false]];
  }
  return [];
}

/** Why the pod cannot go to the node, by the first filter that refuses. */
export function whyNot(pod: Pod, node: Node, world: PlainWorld): Reasons {
  const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  if (node.spec.unschedulable && !tolerated(pod, cordon)) return [['node(s) were unschedulable', true]];
  for (const taint of node.spec.taints ?? []) {
    if (taint.effect !== 'PreferNoSchedule' && !tolerated(pod, taint))
      return [['node(s) had untolerated taint(s)', true]];
  }
  if (!matchesNode(pod, node)) return [["node(s) didn't match Pod's node affinity/selector", true]];
  const there = podsOn(world, node.metadata.name);
  const taken = there.flatMap(hostPorts);
  if (hostPorts(pod).some((port) => taken.includes(port)))
    return [["node(s) didn't have free ports for the requested pod ports", false]];
  for (const reasons of [resources(pod, node, there), spread(pod, node, world), affinity(pod, node, world)]) {
    if (reasons.length > 0) return reasons;
  }
  return [];
}
