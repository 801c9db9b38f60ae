// What pods mean to somebody who counts nodes: pure.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { podResources } from '../../api/core/effective-resources.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import { findCondition } from '../../api/meta/conditions.ts';
import { controllerOf } from '../../api/meta/owner-references.ts';
import { millisOf, unitsOf } from '../../api/meta/quantity.ts';
import { timeMs } from '../../api/meta/time.ts';

export const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';
export const deletionCandidateTaint = 'DeletionCandidateOfClusterAutoscaler';
export const safeToEvict = 'cluster-autoscaler.kubernetes.io/safe-to-evict';
export const scaleDownDisabled = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';

/** Pods of lower priority may as well wait. */
const expendableBelow = -10;

export interface Amounts {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

const known = new WeakMap<Pod, Amounts>();

export function requestsOf(pod: Pod): Amounts {
  let amounts = known.get(pod);
  if (!amounts) {
    const requests = podResources(pod.spec, 'requests');
    const cpu = requests.get('cpu');
    const memory = requests.get('memory');
    amounts = { cpuMillis: Number(cpu?.millis ?? 0n), memoryBytes: Number(memory?.units ?? 0n) };
    known.set(pod, amounts);
  }
  return amounts;
}

export function allocatableOf({ status }: Node): Amounts {
  return {
    cpuMillis: millisOf(status?.allocatable?.['cpu']),
    memoryBytes: unitsOf(status?.allocatable?.['memory']),
  };
}

/** The larger of the parts of CPU and memory that are requested. */
export function utilization(node: Node, pods: readonly Pod[], nowMs: number): number {
  const all = allocatableOf(node);
  let [cpu, memory] = [0, 0];
  for (const pod of pods) {
    if (isLongTerminating(pod, nowMs)) continue;
    const { cpuMillis, memoryBytes } = requestsOf(pod);
    cpu += cpuMillis;
    memory += memoryBytes;
  }
  return Math.max(all.cpuMillis > 0 ? cpu / all.cpuMillis : 0, all.memoryBytes > 0 ? memory / all.memoryBytes : 0);
}

/** The scheduler has said that there is no place for it. */
export function isUnschedulable(pod: Pod): boolean {
  if (pod.spec.nodeName || pod.metadata.deletionTimestamp || isFinished(pod) || isDaemonPod(pod)) return false;
  if ((pod.spec.priority ?? 0) < expendableBelow) return false;
  const scheduled = findCondition(pod.status?.conditions, 'PodScheduled');
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable';
}

export const isDaemonPod = (pod: Pod) =>
  controllerOf(pod)?.kind === 'DaemonSet' ||
  pod.metadata.annotations?.['cluster-autoscaler.kubernetes.io/daemonset-pod'] === 'true';

export const isMirrorPod = ({ metadata }: Pod) => metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;

/** It should have been gone for a while. */
export function isLongTerminating({ metadata, spec }: Pod, nowMs: number): boolean {
  const deletedMs = timeMs(metadata.deletionTimestamp);
  return deletedMs !== undefined && deletedMs + ((spec.terminationGracePeriodSeconds ?? 30) + 30) * 1000 < nowMs;
}

export const hasTaint = ({ spec }: Node, key: string) => spec.taints?.some((taint) => taint.key === key) ?? false;

/** What a node has until it is ready, and for a moment longer: it takes no pods before they are gone. */
export const notReadyTaints = [
  'node.kubernetes.io/not-ready',
  'node.kubernetes.io/unreachable',
  'node.kubernetes.io/network-unavailable',
];

export const isNodeReady = (node: Node) =>
  findCondition(node.status?.conditions, 'Ready')?.status === 'True' &&
  !notReadyTaints.some((key) => hasTaint(node, key));

export const isCountedOnNode = (pod: Pod) => Boolean(pod.spec.nodeName) && !isFinished(pod);
