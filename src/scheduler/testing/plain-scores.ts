// The scores, said plainly, as the filters are (plain-filters.ts).
import type { Node, Pod, TopologySpreadConstraint } from '../../../generated/core-v1.ts';
import { hasLabels } from '../../api/meta/labels.ts';
import { tolerates } from '../plugins/tolerations.ts';
import { amountsOf, podRequests, podScoringRequests } from '../resources.ts';
import { isCounted, isEvery, takesPart } from './plain-filters.ts';
import { labelsOf, meant, type PlainWorld, podsOn } from './plain-world.ts';

const hostname = 'kubernetes.io/hostname';
const mib = 2 ** 20;

const stretched = (raw: readonly number[], isReversed = false) => {
  const highest = Math.max(0, ...raw);
  const scores = raw.map((value) => (highest === 0 ? 0 : Math.floor((100 * value) / highest)));
  return isReversed ? scores.map((score) => 100 - score) : scores;
};

const taints = (pod: Pod, { spec }: Node) =>
  (spec.taints ?? []).filter(
    (taint) =>
      taint.effect === 'PreferNoSchedule' &&
      !(pod.spec.tolerations ?? []).some(
        (each) => (!each.effect || each.effect === 'PreferNoSchedule') && tolerates(each, taint),
      ),
  ).length;

const wishes = (pod: Pod, node: Node) =>
  (pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).reduce(
    (sum, { weight, preference }) => sum + (isEvery(preference.matchExpressions ?? [], labelsOf(node)) ? weight : 0),
    0,
  );

function leastUsed(pod: Pod, node: Node, world: PlainWorld): number {
  const all = amountsOf(node.status?.allocatable);
  const scores: number[] = [];
  for (const name of ['cpu', 'memory']) {
    const capacity = all.get(name) ?? 0;
    if (capacity === 0) continue;
    const used = [...podsOn(world, node.metadata.name), pod].reduce(
      (sum, each) => sum + (podScoringRequests(each).get(name) ?? 0),
      0,
    );
    scores.push(used > capacity ? 0 : Math.floor(((capacity - used) * 100) / capacity));
  }
  return scores.length > 0 ? Math.floor(scores.reduce((sum, each) => sum + each, 0) / scores.length) : 0;
}

function balanced(pod: Pod, node: Node, world: PlainWorld): number {
  const all = amountsOf(node.status?.allocatable);
  const asks = podRequests(pod);
  if (!asks.get('cpu') && !asks.get('memory')) return 0;
  const balanceOf = (pods: readonly Pod[]) => {
    const fractions: number[] = [];
    for (const name of ['cpu', 'memory']) {
      const used = pods.reduce((sum, each) => sum + (podRequests(each).get(name) ?? 0), 0);
      if (all.get(name)) fractions.push(Math.min(used / all.get(name)!, 1));
    }
    return fractions.length === 2 ? Math.trunc((1 - Math.abs((fractions[0]! - fractions[1]!) / 2)) * 100) : 100;
  };
  const there = podsOn(world, node.metadata.name);
  return 50 + Math.trunc((50 + balanceOf([...there, pod]) - balanceOf(there)) / 2);
}

function images(pod: Pod, node: Node, world: PlainWorld): number {
  const has = (each: Node, image: string) => each.status?.images?.find(({ names }) => names?.includes(image));
  let sum = 0;
  for (const image of new Set(pod.spec.containers.map((each) => each.image!))) {
    const here = has(node, image);
    const share = [...world.nodes.values()].filter((each) => has(each, image)).length / world.nodes.size;
    if (here) sum += Math.trunc((here.sizeBytes ?? 0) * share);
  }
  const [least, most] = [23 * mib, 1000 * mib * pod.spec.containers.length];
  return Math.floor((100 * (Math.min(Math.max(sum, least), most) - least)) / (most - least));
}

function neighbours(pod: Pod, nodes: readonly Node[], world: PlainWorld): number[] {
  const weights = new Map<string, number>();
  const note = (key: string, other: string, weight: number) => {
    const place = `${key}=${labelsOf(world.nodes.get(other)!)[key]}`;
    weights.set(place, (weights.get(place) ?? 0) + weight);
  };
  const preferred = ({ spec: { affinity } }: Pod) => [
    ...(affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => ({
      ...each,
      sign: 1,
    })),
    ...(affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => ({
      ...each,
      sign: -1,
    })),
  ];
  for (const other of world.placed.values()) {
    if (!world.nodes.has(other.node)) continue;
    for (const { podAffinityTerm: term, weight, sign } of preferred(pod)) {
      if (meant(term, pod, other.pod, world)) note(term.topologyKey, other.node, sign * weight);
    }
    for (const { podAffinityTerm: term, weight, sign } of preferred(other.pod)) {
      if (meant(term, other.pod, pod, world)) note(term.topologyKey, other.node, sign * weight);
    }
    for (const term of other.pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      if (meant(term, other.pod, pod, world)) note(term.topologyKey, other.node, 1);
    }
  }
  const raw = nodes.map((node) =>
    Object.entries(labelsOf(node)).reduce((sum, [key, value]) => sum + (weights.get(`${key}=${value}`) ?? 0), 0),
  );
  const [lowest, range] = [Math.min(...raw), Math.max(...raw) - Math.min(...raw)];
  return raw.map((value) => (range > 0 ? Math.trunc(100 * ((value - lowest) / range)) : 0));
}

interface Wish {
  readonly key: string;
  readonly maxSkew: number;
  counts(other: Pod): boolean;
  includes(node: Node): boolean;
}

function wishesToSpread(pod: Pod, world: PlainWorld): { wishes: Wish[]; needsAll: boolean } {
  const own = pod.spec.topologySpreadConstraints ?? [];
  if (own.length > 0) {
    const soft = own.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway');
    const wish = (each: TopologySpreadConstraint): Wish => ({
      key: each.topologyKey,
      maxSkew: each.maxSkew,
      counts: (other) => isCounted(each, pod, other),
      includes: (node) => takesPart(each, pod, node),
    });
    return { wishes: soft.map(wish), needsAll: true };
  }
  const { namespace } = pod.metadata;
  const services = world.services.filter(
    ({ metadata, spec }) =>
      metadata.namespace === namespace && spec.selector && hasLabels(labelsOf(pod), spec.selector),
  );
  const ownerOf = (each: Pod) => each.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
  if (services.length === 0 && !ownerOf(pod)) return { wishes: [], needsAll: false };
  const counts = (other: Pod) =>
    other.metadata.namespace === namespace &&
    !other.metadata.deletionTimestamp &&
    (!ownerOf(pod) || ownerOf(other) === ownerOf(pod)) &&
    services.every(({ spec }) => hasLabels(labelsOf(other), spec.selector));
  const always = { counts, includes: () => true };
  const keys = [
    { key: hostname, maxSkew: 3 },
    { key: 'topology.kubernetes.io/zone', maxSkew: 5 },
  ];
  return { wishes: keys.map((each) => ({ ...each, ...always })), needsAll: false };
}

function spread(pod: Pod, nodes: readonly Node[], world: PlainWorld): number[] {
  const { wishes, needsAll } = wishesToSpread(pod, world);
  if (wishes.length === 0) return nodes.map(() => 0);
  const hasAll = (node: Node) => !needsAll || wishes.every(({ key }) => labelsOf(node)[key] !== undefined);
  const scored = nodes.filter(hasAll);
  const countIn = (wish: Wish, inside: (node: Node) => boolean) =>
    [...world.placed.values()].filter(({ pod: other, node: name }) => {
      const node = world.nodes.get(name);
      return node !== undefined && inside(node) && wish.counts(other);
    }).length;
  const raw = nodes.map((node) => {
    let sum = 0;
    for (const wish of wishes) {
      const value = labelsOf(node)[wish.key];
      if (value === undefined) continue;
      const isHost = wish.key === hostname;
      const size = isHost ? scored.length : new Set(scored.map((each) => labelsOf(each)[wish.key])).size;
      const count = isHost
        ? countIn(wish, (each) => each.metadata.name === node.metadata.name)
        : countIn(wish, (each) => labelsOf(each)[wish.key] === value && hasAll(each) && wish.includes(each));
      sum += count * Math.log(size + 2) + (wish.maxSkew - 1);
    }
    return Math.round(sum);
  });
  const kept = raw.filter((_, at) => hasAll(nodes[at]!));
  const [lowest, highest] = [Math.min(...kept), Math.max(0, ...kept)];
  return raw.map((value, at) => {
    if (!hasAll(nodes[at]!)) return 0;
    return highest === 0 ? 100 : Math.floor((100 * (highest + lowest - value)) / highest);
  });
}

/** The weighted sum of all scores of each node. */
export function totals(pod: Pod, nodes: readonly Node[], world: PlainWorld): number[] {
  const parts: [weight: number, scores: readonly number[]][] = [
    [
      3,
      stretched(
        nodes.map((node) => taints(pod, node)),
        true,
      ),
    ],
    [2, stretched(nodes.map((node) => wishes(pod, node)))],
    [2, spread(pod, nodes, world)],
    [2, neighbours(pod, nodes, world)],
    [1, nodes.map((node) => leastUsed(pod, node, world))],
    [1, nodes.map((node) => balanced(pod, node, world))],
    [1, nodes.map((node) => images(pod, node, world))],
  ];
  return nodes.map((_, at) => parts.reduce((sum, [weight, scores]) => sum + weight * scores[at]!, 0));
}
