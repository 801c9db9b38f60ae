import type { Node, Taint } from '../../../generated/core-v1.ts';
import { findCondition } from '../../api/meta/conditions.ts';
import { timeText } from '../../api/meta/time.ts';

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';
const pressures: readonly (readonly [condition: string, key: string])[] = [
  ['MemoryPressure', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'node.kubernetes.io/pid-pressure'],
];
const unschedulable = 'node.kubernetes.io/unschedulable';
const ours = new Set([notReady, unreachable, unschedulable, ...pressures.map(([, key]) => key)]);

export interface TaintPolicy {
  /** False when no node works: then it is the control plane that is cut off, and no pod gains by being evicted. */
  readonly evicts: boolean;
  readonly nowMs: number;
}

/** The taints a node should have by its conditions; those of others stay as they are. */
export function planTaints(node: Node, { evicts, nowMs }: TaintPolicy): Taint[] {
  const current = node.spec?.taints ?? [];
  const wanted = wantedTaints(node, evicts);
  const isOurs = ({ key, effect }: Taint) => ours.has(key) && (effect === 'NoSchedule' || effect === 'NoExecute');
  const isWanted = (taint: Taint) => wanted.some((each) => isSame(each, taint));
  const kept = current.filter((taint) => !isOurs(taint) || isWanted(taint));
  const missing = wanted.filter((taint) => !current.some((each) => isSame(each, taint)));
  return [...kept, ...missing.map((taint) => ({ ...taint, timeAdded: timeText(nowMs) }))];
}

const isSame = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect;

function wantedTaints(node: Node, evicts: boolean): Taint[] {
  const taints: Taint[] = [];
  const ready = findCondition(node.status?.conditions, 'Ready')?.status;
  const key = ready === 'False' ? notReady : ready === 'Unknown' ? unreachable : undefined;
  if (key) taints.push({ key, effect: 'NoSchedule' });
  for (const [condition, pressureKey] of pressures) {
    if (findCondition(node.status?.conditions, condition)?.status !== 'True') continue;
    taints.push({ key: pressureKey, effect: 'NoSchedule' });
  }
  if (node.spec?.unschedulable) taints.push({ key: unschedulable, effect: 'NoSchedule' });
  if (key && evicts) taints.push({ key, effect: 'NoExecute' });
  return taints;
}
