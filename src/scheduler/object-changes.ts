// What a change of an object means to pods that wait.
import type { Node, Pod } from '../../generated/core-v1.ts';
import { isEqual } from '../api/meta/equality.ts';
import type { WorldChange } from './plugin.ts';

export const hasSameGates = (one: Pod, other: Pod) =>
  (one.spec.schedulingGates?.length ?? 0) === (other.spec.schedulingGates?.length ?? 0);

/** What a pod that has a node does for others: it may be what they want to be near, or make room. */
export function placedChange(pod: Pod, previous: Pod | undefined): WorldChange | undefined {
  if (!previous?.spec.nodeName) return 'pod-placed';
  if (!isEqual(previous.metadata.labels, pod.metadata.labels)) return 'pod-labels';
  // It asks for less, perhaps. That it is to go makes no room yet.
  const isResized = previous.metadata.generation !== pod.metadata.generation && !pod.metadata.deletionTimestamp;
  return isResized ? 'pod-gone' : undefined;
}

/** Heartbeats and image lists change often and help no pod. */
export function nodeChanges(node: Node, previous: Node): WorldChange[] {
  const changes: WorldChange[] = [];
  if (!isEqual(node.status?.allocatable, previous.status?.allocatable)) changes.push('node-room');
  if (!isEqual(node.metadata.labels, previous.metadata.labels)) changes.push('node-labels');
  const isAsTainted =
    node.spec.unschedulable === previous.spec.unschedulable && isEqual(node.spec.taints, previous.spec.taints);
  if (!isAsTainted) changes.push('node-taints');
  if (!isEqual(node.status?.declaredFeatures, previous.status?.declaredFeatures)) changes.push('node-features');
  return changes;
}
