// What to do next for a StatefulSet, and what to report. In order, one step at a time; or all at once when it is Parallel.
import type { StatefulSet, StatefulSetStatus } from '../../../generated/apps-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import { revisionHashLabel } from '../revisions/history.ts';
import { availableInMs, isReady } from '../shared/pod-state.ts';
import { endOf, ordinalOf, startOf } from './stateful-pod.ts';

export interface StatefulInput {
  readonly set: StatefulSet;
  /** Those that belong to the set, by name and owner. */
  readonly pods: readonly Pod[];
  /** Names of revisions. */
  readonly current: string;
  readonly update: string;
  readonly collisionCount: number;
  readonly nowMs: number;
}

export interface StatefulPlan {
  /** Pods to make, in this order. */
  readonly create: { readonly ordinal: number; readonly isCurrent: boolean }[];
  readonly delete: Pod[];
  /** Pods that are as far as they should be: their labels and claims are seen to. */
  readonly settled: Pod[];
  /** Pods that have not started: a claim of theirs may be missing. */
  readonly pending: Pod[];
}

/** Pods made in one look at most. */
const burst = 500;

const revisionOf = (pod: Pod) => pod.metadata.labels?.[revisionHashLabel];
const isGoing = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined;
const isRunningAndReady = (pod: Pod) => pod.status?.phase === 'Running' && isReady(pod);
const isHealthy = (pod: Pod) => isRunningAndReady(pod) && !isGoing(pod);
const minReadySecondsOf = ({ set }: StatefulInput) => set.spec.minReadySeconds ?? 0;

function isRunningAndAvailable(input: StatefulInput, pod: Pod): boolean {
  return isRunningAndReady(pod) && availableInMs(pod, minReadySecondsOf(input), input.nowMs) === 0;
}

interface Members {
  /** By ordinal, from the set's first one; undefined where one is missing. */
  readonly replicas: readonly (Pod | undefined)[];
  /** Beyond the last, or before the first; highest first. */
  readonly condemned: readonly Pod[];
}

function membersOf({ set, pods }: StatefulInput): Members {
  const [start, end] = [startOf(set), endOf(set)];
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod) ?? -1, pod]));
  // As many as can be missing after one look; somebody may ask for two thousand million.
  const length = Math.min(end - start, pods.length + burst);
  const replicas = Array.from({ length }, (_, index) => byOrdinal.get(start + index));
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal >= 0 && (ordinal < start || ordinal >= end))
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  return { replicas, condemned };
}

export function planStatefulSet(input: StatefulInput): StatefulPlan {
  const plan: StatefulPlan = { create: [], delete: [], settled: [], pending: [] };
  const { set } = input;
  if (set.metadata.deletionTimestamp) return plan;
  const members = membersOf(input);
  const isOrdered = set.spec.podManagementPolicy !== 'Parallel';
  if (!planReplicas(input, members, isOrdered, plan)) return plan;
  plan.settled.push(...members.condemned);
  if (!planCondemned(input, members, isOrdered, plan)) return plan;
  if (set.spec.updateStrategy?.type !== 'OnDelete') planUpdate(input, members, plan);
  return plan;
}

/** False: something has to happen before anything else may. Parallel sets wait for nothing. */
function planReplicas(input: StatefulInput, { replicas }: Members, isOrdered: boolean, plan: StatefulPlan): boolean {
  for (const [index, pod] of replicas.entries()) {
    const isDone = planReplica(input, index, pod, plan, isOrdered);
    if (!isDone && isOrdered) return false;
  }
  return true;
}

function planReplica(
  input: StatefulInput,
  index: number,
  pod: Pod | undefined,
  plan: StatefulPlan,
  isOrdered: boolean,
): boolean {
  if (!pod) {
    const { type, rollingUpdate } = input.set.spec.updateStrategy ?? {};
    const isCurrent = type !== 'OnDelete' && index < (rollingUpdate?.partition ?? 0);
    plan.create.push({ ordinal: startOf(input.set) + index, isCurrent });
    return false;
  }
  if (isFinished(pod)) {
    // Its name is free once it is gone.
    if (!isGoing(pod)) plan.delete.push(pod);
    return false;
  }
  if (pod.status?.phase === 'Pending') plan.pending.push(pod);
  if (isOrdered && (isGoing(pod) || !isRunningAndAvailable(input, pod))) return false;
  plan.settled.push(pod);
  return true;
}

/** Highest first; ordered sets take one at a time, and only while all others work. */
function planCondemned(
  input: StatefulInput,
  { replicas, condemned }: Members,
  isOrdered: boolean,
  plan: StatefulPlan,
): boolean {
  if (!isOrdered) {
    plan.delete.push(...condemned.filter((pod) => !isGoing(pod)));
    return true;
  }
  const [next] = condemned;
  if (!next) return true;
  const firstUnhealthy = replicas.find((pod) => pod && !isHealthy(pod)) ?? condemned.findLast((pod) => !isHealthy(pod));
  if (!isGoing(next) && (isRunningAndAvailable(input, next) || next === firstUnhealthy)) plan.delete.push(next);
  return false;
}

/** The highest pod of an old revision goes, if all above it work. */
function planUpdate(input: StatefulInput, { replicas }: Members, plan: StatefulPlan): void {
  const { set, update } = input;
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (let index = replicas.length - 1; index >= partition; index--) {
    const pod = replicas[index];
    if (!pod) return;
    if (revisionOf(pod) !== update && !isGoing(pod)) {
      if (!plan.delete.includes(pod)) plan.delete.push(pod);
      return;
    }
    if (!isHealthy(pod) || !isRunningAndAvailable(input, pod)) return;
  }
}

/** What to report, and when a pod becomes available by waiting. */
export function planStatefulStatus(input: StatefulInput): {
  status: StatefulSetStatus;
  recheckMs: number | undefined;
} {
  const { set, pods, update, collisionCount, nowMs } = input;
  const count = { replicas: 0, ready: 0, available: 0, current: 0, updated: 0 };
  let recheckMs: number | undefined;
  for (const pod of pods) {
    if (pod.status?.phase) count.replicas++;
    if (isRunningAndReady(pod)) {
      count.ready++;
      const waitMs = availableInMs(pod, minReadySecondsOf(input), nowMs);
      if (waitMs === 0) count.available++;
      else if (waitMs !== undefined) recheckMs = Math.min(recheckMs ?? waitMs, waitMs);
    }
    if (!pod.status?.phase || isGoing(pod)) continue;
    if (revisionOf(pod) === input.current) count.current++;
    if (revisionOf(pod) === update) count.updated++;
  }
  const wanted = set.spec.replicas ?? 1;
  const isComplete =
    set.spec.updateStrategy?.type === 'RollingUpdate' &&
    count.updated === wanted &&
    count.ready === wanted &&
    count.replicas === wanted;
  const current = isComplete ? count.updated : count.current;
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: count.replicas,
    ...(count.ready > 0 ? { readyReplicas: count.ready } : {}),
    ...(current > 0 ? { currentReplicas: current } : {}),
    ...(count.updated > 0 ? { updatedReplicas: count.updated } : {}),
    currentRevision: isComplete ? update : input.current,
    updateRevision: update,
    collisionCount,
    availableReplicas: count.available,
  };
  return { status, recheckMs };
}
