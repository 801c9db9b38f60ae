// One decision and one preemption, said plainly.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { keyOf } from '../../api/meta/object.ts';
import { type Reasons, whyNot } from './plain-filters.ts';
import { totals } from './plain-scores.ts';
import { changed, type PlainWorld, podsOn } from './plain-world.ts';

const priorityOf = (pod: Pod) => pod.spec.priority ?? 0;

/** Equal and stronger pods that were promised the node count as if they were there; then the same without them. */
function whyNotBeside(pod: Pod, node: Node, world: PlainWorld): Reasons {
  const promised = [...world.promised.values()].filter(
    (each) =>
      each.node === node.metadata.name && keyOf(each.pod) !== keyOf(pod) && priorityOf(each.pod) >= priorityOf(pod),
  );
  const beside = promised.length > 0 ? whyNot(pod, node, changed(world, [], promised)) : [];
  return beside.length > 0 ? beside : whyNot(pod, node, world);
}

const sentence = (total: number, reasons: readonly string[]) => {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return `0/${total} nodes are available: ${[...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')}.`;
};

/** Node → score, or the message when there is none. */
export function plainOutcome(pod: Pod, world: PlainWorld): Record<string, number> | string {
  const nodes = [...world.nodes.values()].sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
  const own = world.nodes.get(world.promised.get(keyOf(pod))?.node ?? '');
  if (own && whyNotBeside(pod, own, world).length === 0) return { [own.metadata.name]: 0 };
  const answers = nodes.map((node) => ({ node, reasons: whyNotBeside(pod, node, world) }));
  const fitting = answers.filter(({ reasons }) => reasons.length === 0).map(({ node }) => node);
  if (fitting.length === 0) {
    return sentence(
      nodes.length,
      answers.flatMap(({ reasons }) => reasons.map(([reason]) => reason)),
    );
  }
  const scores = fitting.length > 1 ? totals(pod, fitting, world) : [0];
  return Object.fromEntries(fitting.map((node, at) => [node.metadata.name, scores[at]!]));
}

interface Candidate {
  readonly node: string;
  readonly victims: readonly Pod[];
}

const byImportance = (one: Pod, other: Pod) =>
  priorityOf(other) - priorityOf(one) || (one.status!.startTime! < other.status!.startTime! ? -1 : 1);

function victimsOn(pod: Pod, node: Node, world: PlainWorld): Candidate | readonly string[] {
  const weaker = podsOn(world, node.metadata.name)
    .filter((other) => priorityOf(other) < priorityOf(pod))
    .sort(byImportance);
  if (weaker.length === 0) return ['No preemption victims found for incoming pod'];
  let gone = weaker;
  const reasons = whyNotBeside(pod, node, changed(world, gone, []));
  if (reasons.length > 0) return reasons.map(([reason]) => reason);
  for (const other of weaker) {
    const fewer = gone.filter((each) => each !== other);
    if (whyNotBeside(pod, node, changed(world, fewer, [])).length === 0) gone = fewer;
  }
  return gone.length > 0
    ? { node: node.metadata.name, victims: gone }
    : ['No preemption victims found for incoming pod'];
}

/** Smaller is better, in this order. */
function costs({ victims }: Candidate): (number | string)[] {
  const highest = Math.max(...victims.map(priorityOf));
  const starts = victims.filter((each) => priorityOf(each) === highest).map((each) => each.status!.startTime!);
  const sum = victims.reduce((total, each) => total + priorityOf(each) + 2 ** 31, 0);
  return [highest, sum, victims.length, -Date.parse(starts.sort()[0]!)];
}

/** Whom to evict where, or the message; `order` says which node is asked first, where several are as good. */
export function plainPreemption(pod: Pod, world: PlainWorld, order: readonly { name: string }[]): unknown {
  const own = world.promised.get(keyOf(pod));
  const ownNode = world.nodes.get(own?.node ?? '');
  if (ownNode && !whyNotBeside(pod, ownNode, world).some(([, isFinal]) => isFinal)) {
    const isWaiting = podsOn(world, own!.node).some(
      (other) => priorityOf(other) < priorityOf(pod) && other.metadata.deletionTimestamp,
    );
    if (isWaiting) return 'preemption: not eligible due to a terminating pod on the nominated node.';
  }
  const reasons: string[] = [];
  let best: Candidate | undefined;
  for (const { name } of order) {
    const node = world.nodes.get(name)!;
    if (whyNotBeside(pod, node, world).some(([, isFinal]) => isFinal)) {
      reasons.push('Preemption is not helpful for scheduling');
      continue;
    }
    const outcome = victimsOn(pod, node, world);
    if (!('node' in outcome)) reasons.push(...outcome);
    else if (!best || isLess(costs(outcome), costs(best))) best = outcome;
  }
  if (!best) return `preemption: ${sentence(order.length, reasons)}`;
  return { node: best.node, victims: best.victims.map(keyOf) };
}

function isLess(one: readonly (number | string)[], other: readonly (number | string)[]): boolean {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at >= 0 && one[at]! < other[at]!;
}
