// Which pods go first when there are too many. The order is upstream's, which users rely on.
import type { Pod } from '../../../generated/core-v1.ts';
import { timeMs } from '../../api/meta/time.ts';
import { isReady, readySinceMs } from './pod-state.ts';

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/** The `count` pods to delete. `related` are pods of the same owner's other sets: who shares a node goes first. */
export function pickVictims(pods: readonly Pod[], related: readonly Pod[], count: number, nowMs: number): Pod[] {
  if (count >= pods.length) return [...pods];
  const onNode = new Map<string, number>();
  for (const { spec } of related) if (spec?.nodeName) onNode.set(spec.nodeName, (onNode.get(spec.nodeName) ?? 0) + 1);
  const sharing = (pod: Pod) => onNode.get(pod.spec?.nodeName ?? '') ?? 0;
  return [...pods].sort((a, b) => compareVictims(a, b, sharing, nowMs)).slice(0, count);
}

/** Negative when `a` goes before `b`. */
function compareVictims(a: Pod, b: Pod, sharing: (pod: Pod) => number, nowMs: number): number {
  return (
    Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName)) ||
    phaseOf(a) - phaseOf(b) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    costOf(a) - costOf(b) ||
    sharing(b) - sharing(a) ||
    (isReady(a) && isReady(b) ? compareAges(readySinceMs(a), readySinceMs(b), a, b, nowMs) : 0) ||
    restartsOf(b) - restartsOf(a) ||
    compareAges(timeMs(a.metadata.creationTimestamp), timeMs(b.metadata.creationTimestamp), a, b, nowMs)
  );
}

const phaseOf = (pod: Pod) => phaseRank[pod.status?.phase ?? ''] ?? 0;
const restartsOf = (pod: Pod) =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map((each) => each.restartCount ?? 0));

function costOf(pod: Pod): number {
  const cost = Number(pod.metadata.annotations?.[costAnnotation] ?? 0);
  return Number.isInteger(cost) ? cost : 0;
}

/** Younger first, told apart by powers of two only, so that it is not always the newest that goes; then by uid. */
function compareAges(a: number | undefined, b: number | undefined, podA: Pod, podB: Pod, nowMs: number): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
  const difference = ageRank(nowMs - a) - ageRank(nowMs - b);
  if (difference !== 0) return difference;
  return (podA.metadata.uid ?? '') < (podB.metadata.uid ?? '') ? -1 : 1;
}

const ageRank = (ageMs: number) => (ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1);
