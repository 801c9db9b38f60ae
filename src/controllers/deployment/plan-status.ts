// The status of a Deployment and its conditions. Pure.
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../../generated/apps-v1.ts';
import { findCondition, withoutCondition } from '../../api/meta/conditions.ts';
import { timeMs, timeText } from '../../api/meta/time.ts';
import { maxUnavailableOf } from './fenceposts.ts';
import { all, available, type ReplicaSets, sum, wanted } from './replica-sets.ts';

/** What upstream writes when there is no deadline. */
const noDeadlineSeconds = 2147483647;

export function hasDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== noDeadlineSeconds;
}

export function condition(
  type: 'Available' | 'Progressing' | 'ReplicaFailure',
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  nowMs: number,
): DeploymentCondition {
  const time = timeText(nowMs);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}

/** The condition in place of the one of its type, at the end. Nothing changes when status and reason are the same. */
export function withDeploymentCondition(
  conditions: readonly DeploymentCondition[] | undefined,
  next: DeploymentCondition,
): DeploymentCondition[] {
  const current = findCondition(conditions, next.type);
  if (current?.status === next.status && current.reason === next.reason) return [...(conditions ?? [])];
  const since = current?.status === next.status ? current.lastTransitionTime : next.lastTransitionTime;
  return [...withoutCondition(conditions, next.type), { ...next, ...(since ? { lastTransitionTime: since } : {}) }];
}

/** Counts and availability, without progress. */
export function planCounts(deployment: Deployment, sets: ReplicaSets, nowMs: number): DeploymentStatus {
  const every = all(sets);
  const desired = deployment.spec.replicas ?? 1;
  const availableCount = sum(every, available);
  const unavailable = Math.max(0, sum(every, wanted) - availableCount);
  const terminating = terminatingOf(every);
  const isAvailable = availableCount >= desired - maxUnavailableOf(deployment);
  const conditions = withDeploymentCondition(
    deployment.status?.conditions,
    isAvailable
      ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', nowMs)
      : condition(
          'Available',
          'False',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
          nowMs,
        ),
  );
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...counted(
      'replicas',
      sum(every, (set) => set.status?.replicas ?? 0),
    ),
    ...counted('updatedReplicas', sets.newest?.status?.replicas ?? 0),
    ...counted(
      'readyReplicas',
      sum(every, (set) => set.status?.readyReplicas ?? 0),
    ),
    ...counted('availableReplicas', availableCount),
    ...counted('unavailableReplicas', unavailable),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    conditions,
    ...(deployment.status?.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }),
  };
}

/** Zero counts are left out of JSON. */
const counted = (name: string, count: number): object => (count === 0 ? {} : { [name]: count });

/** Undefined until every set has reported. */
function terminatingOf(sets: readonly ReplicaSet[]): number | undefined {
  let total = 0;
  for (const set of sets) {
    if (set.status?.terminatingReplicas === undefined) return undefined;
    total += set.status.terminatingReplicas;
  }
  return total;
}

/** Counts and progress of a rollout. */
export function planRolloutStatus(deployment: Deployment, sets: ReplicaSets, nowMs: number): DeploymentStatus {
  const status = planCounts(deployment, sets, nowMs);
  let conditions = status.conditions ?? [];
  if (!hasDeadline(deployment)) conditions = withoutCondition(conditions, 'Progressing');
  else conditions = planProgress(deployment, sets, { ...status, conditions }, nowMs);
  const failure = failureOf(sets);
  conditions = failure ? withDeploymentCondition(conditions, failure) : withoutCondition(conditions, 'ReplicaFailure');
  return { ...status, conditions };
}

function planProgress(
  deployment: Deployment,
  { newest }: ReplicaSets,
  status: DeploymentStatus,
  nowMs: number,
): DeploymentCondition[] {
  const conditions = status.conditions ?? [];
  const current = findCondition(conditions, 'Progressing');
  const isDone =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (isDone) return conditions;
  const subject = newest ? `ReplicaSet "${newest.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return withDeploymentCondition(
      conditions,
      condition('Progressing', 'True', 'NewReplicaSetAvailable', message, nowMs),
    );
  }
  if (hasProgressed(deployment, status)) {
    const next = condition('Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`, nowMs);
    // Replaced even when nothing but the time is new: the deadline counts from the last progress.
    const since = current?.status === 'True' ? current.lastTransitionTime : next.lastTransitionTime;
    return [
      ...withoutCondition(conditions, 'Progressing'),
      { ...next, ...(since ? { lastTransitionTime: since } : {}) },
    ];
  }
  if (!hasTimedOut(deployment, status, nowMs)) return conditions;
  const message = `${subject} has timed out progressing.`;
  return withDeploymentCondition(
    conditions,
    condition('Progressing', 'False', 'ProgressDeadlineExceeded', message, nowMs),
  );
}

/** Every pod is of the new template, and available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus | undefined): boolean {
  const desired = deployment.spec.replicas ?? 1;
  return (
    (status?.updatedReplicas ?? 0) === desired &&
    (status?.replicas ?? 0) === desired &&
    (status?.availableReplicas ?? 0) === desired &&
    (status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function hasProgressed(deployment: Deployment, next: DeploymentStatus): boolean {
  const before = deployment.status ?? {};
  const updated = (status: DeploymentStatus) => status.updatedReplicas ?? 0;
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - updated(status);
  return (
    updated(next) > updated(before) ||
    old(next) < old(before) ||
    (next.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

export function hasTimedOut(deployment: Deployment, status: DeploymentStatus, nowMs: number): boolean {
  const current = findCondition(status.conditions, 'Progressing');
  if (!hasDeadline(deployment) || !current || current.reason === 'NewReplicaSetAvailable') return false;
  if (current.reason === 'ProgressDeadlineExceeded') return true;
  return (timeMs(current.lastUpdateTime) ?? nowMs) + deployment.spec.progressDeadlineSeconds! * 1000 < nowMs;
}

/** Milliseconds until the deadline could pass; undefined when nothing waits for it. */
export function deadlineInMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const current = findCondition(status.conditions, 'Progressing');
  if (!hasDeadline(deployment) || !current) return undefined;
  if (isComplete(deployment, status) || current.reason === 'ProgressDeadlineExceeded') return undefined;
  const sinceMs = timeMs(current.lastUpdateTime) ?? nowMs;
  return Math.max(0, sinceMs + deployment.spec.progressDeadlineSeconds! * 1000 - nowMs);
}

/** The newest set's failure to make pods, else an old one's, told as the Deployment's. */
function failureOf(sets: ReplicaSets): DeploymentCondition | undefined {
  const ofSet = (set: ReplicaSet | undefined) => findCondition(set?.status?.conditions, 'ReplicaFailure');
  const failure = ofSet(sets.newest) ?? sets.old.map(ofSet).find(Boolean);
  if (!failure) return undefined;
  const { status, reason = '', message = '', lastTransitionTime = '' } = failure;
  return { type: 'ReplicaFailure', status, lastUpdateTime: lastTransitionTime, lastTransitionTime, reason, message };
}
