// What a Job's pods add up to, and what follows from it. Pure.
import type { Job, JobCondition } from '../../../generated/batch-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { findCondition, isConditionTrue } from '../../api/meta/conditions.ts';
import { timeMs, timeText } from '../../api/meta/time.ts';
import { isActive, isReady, isTerminating } from '../shared/pod-state.ts';
import { type FailureVerdict, judgeFailure } from './failure-policy.ts';
import { indexOf, parseIndexes } from './indexes.ts';

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count';

export interface JobInput {
  readonly job: Job;
  readonly pods: readonly Pod[];
  /** Uids of pods whose finalizer was taken away, which the cache may not show yet. */
  readonly released: ReadonlySet<string>;
  readonly nowMs: number;
}

export interface JobCount {
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Of an indexed Job. */
  readonly completedIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  /** Pods that end now: their finalizers may go once they are counted. */
  readonly toRelease: readonly Pod[];
  readonly newSucceeded: readonly string[];
  readonly newFailed: readonly string[];
}

export const isIndexed = (job: Job): boolean => job.spec.completionMode === 'Indexed';
export const replacesOnlyFailed = (job: Job): boolean => job.spec.podReplacementPolicy === 'Failed';
export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) ?? false;
export const isJobFinished = (job: Job): boolean =>
  isConditionTrue(job.status?.conditions, 'Complete') || isConditionTrue(job.status?.conditions, 'Failed');

/** A pod being deleted counts as failed, unless the Job waits for the real end. */
function hasFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

/** `finishing`: how the Job ends, once that is known; then all its pods do. */
export function countPods({ job, pods, released }: JobInput, finishing: JobCondition | undefined): JobCount {
  const { status = {} } = job;
  const limit = job.spec.completions ?? 0;
  const uncountedSucceeded = new Set(status.uncountedTerminatedPods?.succeeded);
  const uncountedFailed = new Set(status.uncountedTerminatedPods?.failed);
  const completedIndexes = parseIndexes(status.completedIndexes, limit);
  const failedIndexes = parseIndexes(status.failedIndexes, limit);
  const toRelease: Pod[] = [];
  const newSucceeded: string[] = [];
  const newFailed: string[] = [];
  const isFailing = finishing !== undefined && finishing.type !== 'SuccessCriteriaMet';
  const inRange = (pod: Pod) => !isIndexed(job) || (indexOf(pod) ?? limit) < limit;
  for (const pod of pods) {
    const uid = pod.metadata.uid ?? '';
    if (!isTracked(pod) || released.has(uid)) continue;
    const failed = hasFailed(job, pod);
    const isSucceeded = pod.status?.phase === 'Succeeded';
    if (!isSucceeded && !failed && !finishing && !job.metadata.deletionTimestamp) continue;
    toRelease.push(pod);
    if (isSucceeded && !uncountedFailed.has(uid)) {
      if (!isIndexed(job)) {
        if (!uncountedSucceeded.has(uid)) newSucceeded.push(uid);
      } else if (inRange(pod)) completedIndexes.add(indexOf(pod)!);
    } else if ((failed || isFailing) && !uncountedFailed.has(uid) && inRange(pod)) {
      const verdict = judgeFailure(job, pod);
      if (verdict.counts) newFailed.push(uid);
      if (failsItsIndex(job, pod, verdict)) failedIndexes.add(indexOf(pod)!);
    }
  }
  const active = pods.filter(isActive);
  return {
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    succeeded: isIndexed(job)
      ? completedIndexes.size
      : (status.succeeded ?? 0) + uncountedSucceeded.size + newSucceeded.length,
    failed: (status.failed ?? 0) + uncountedFailed.size + newFailed.length,
    completedIndexes,
    failedIndexes,
    toRelease,
    newSucceeded,
    newFailed,
  };
}

function failsItsIndex(job: Job, pod: Pod, verdict: FailureVerdict): boolean {
  const limit = job.spec.backoffLimitPerIndex;
  if (limit === undefined || indexOf(pod) === undefined) return false;
  return verdict.failsIndex === true || (verdict.counts && failuresBefore(pod) >= limit);
}

/** How often the pod's index had failed before it. */
export function failuresBefore(pod: Pod): number {
  return Number(pod.metadata.annotations?.[failureCountAnnotation] ?? 0) || 0;
}

export function jobCondition(
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
): JobCondition {
  const time = timeText(nowMs);
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
}

/** Why the Job ends, if it does: FailureTarget or SuccessCriteriaMet. */
export function planFinish(input: JobInput, count: JobCount): JobCondition | undefined {
  const { job, nowMs } = input;
  const conditions = job.status?.conditions;
  const known = ['FailureTarget', 'SuccessCriteriaMet'].find((type) => isConditionTrue(conditions, type));
  if (known) return findCondition(conditions, known);
  const failed = failure(input, count);
  if (failed) return jobCondition('FailureTarget', 'True', ...failed, nowMs);
  const succeeded = success(job, count);
  return succeeded && jobCondition('SuccessCriteriaMet', 'True', ...succeeded, nowMs);
}

type Fact = [reason: string, message: string];

function failure({ job, pods, nowMs }: JobInput, count: JobCount): Fact | undefined {
  const { spec, status } = job;
  for (const pod of pods) {
    const message = hasFailed(job, pod) && pod.status?.phase === 'Failed' ? judgeFailure(job, pod).failsJob : undefined;
    if (message) return ['PodFailurePolicy', message];
  }
  const backoffLimit = spec.backoffLimit ?? 6;
  if (count.failed > backoffLimit || hasRestartedTooOften(job, pods, backoffLimit)) {
    return ['BackoffLimitExceeded', 'Job has reached the specified backoff limit'];
  }
  const startMs = timeMs(status?.startTime);
  const deadlineMs = (spec.activeDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  if (!spec.suspend && startMs !== undefined && nowMs - startMs >= deadlineMs) {
    return ['DeadlineExceeded', 'Job was active longer than specified deadline'];
  }
  if (spec.backoffLimitPerIndex === undefined || count.failedIndexes.size === 0) return undefined;
  if (spec.maxFailedIndexes !== undefined && count.failedIndexes.size > spec.maxFailedIndexes) {
    return ['MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes'];
  }
  const isEveryIndexDone = count.failedIndexes.size + count.completedIndexes.size >= (spec.completions ?? 0);
  return isEveryIndexDone ? ['FailedIndexes', 'Job has failed indexes'] : undefined;
}

function hasRestartedTooOften(job: Job, pods: readonly Pod[], backoffLimit: number): boolean {
  if (job.spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const pod of pods) {
    if (pod.status?.phase !== 'Running' && pod.status?.phase !== 'Pending') continue;
    const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
    for (const status of statuses) restarts += status.restartCount ?? 0;
  }
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}

function success(job: Job, count: JobCount): Fact | undefined {
  const { completions, successPolicy } = job.spec;
  for (const [index, rule] of (isIndexed(job) ? (successPolicy?.rules ?? []) : []).entries()) {
    const among =
      rule.succeededIndexes === undefined ? undefined : parseIndexes(rule.succeededIndexes, completions ?? 0);
    const done = [...count.completedIndexes].filter((each) => !among || among.has(each)).length;
    const needed = rule.succeededCount ?? among?.size ?? 0;
    if (done >= needed && (among !== undefined || rule.succeededCount !== undefined)) {
      return ['SuccessPolicy', `Matched rules at index ${index}`];
    }
  }
  const isDone = count.active.length === 0 && count.succeeded >= (completions ?? 1);
  return isDone ? ['CompletionsReached', 'Reached expected number of succeeded pods'] : undefined;
}

export interface PodPlan {
  readonly toDelete: readonly Pod[];
  readonly toCreate: number;
  /** The indexes of an indexed Job's new pods. */
  readonly indexes: readonly number[];
  /** Nothing is made before: failures back off. */
  readonly waitMs?: number;
}

const maxAtOnce = 500;

/** Which pods to make and which to delete while the Job goes on. */
export function planPods(input: JobInput, count: JobCount): PodPlan {
  const { job } = input;
  const { active } = count;
  if (job.spec.suspend) return { toDelete: active.slice(0, maxAtOnce), toCreate: 0, indexes: [] };
  const parallelism = job.spec.parallelism ?? 1;
  const { completions } = job.spec;
  const left = completions === undefined ? parallelism : completions - count.succeeded;
  const goal =
    completions === undefined && count.succeeded > 0 ? active.length : Math.max(0, Math.min(parallelism, left));
  const toDelete = removable(job, count, Math.max(0, active.length - goal)).slice(0, maxAtOnce);
  const replaced = replacesOnlyFailed(job) ? count.terminating : 0;
  const missing = Math.min(goal - replaced - (active.length - toDelete.length), maxAtOnce);
  if (missing <= 0) return { toDelete, toCreate: 0, indexes: [] };
  const isIndependent = isIndexed(job) && job.spec.backoffLimitPerIndex !== undefined;
  const waitMs = isIndependent ? 0 : backoffMs(input);
  if (waitMs > 0) return { toDelete, toCreate: 0, indexes: [], waitMs };
  if (!isIndexed(job)) return { toDelete, toCreate: missing, indexes: [] };
  const indexes = pendingIndexes(job, count, missing, replacesOnlyFailed(job) ? input.pods : active);
  if (!isIndependent) return { toDelete, toCreate: indexes.length, indexes };
  // Each index backs off for itself.
  const waits = indexes.map((index) => indexBackoffMs(input, index));
  const now = indexes.filter((_, at) => waits[at] === 0);
  if (now.length > 0 || indexes.length === 0) return { toDelete, toCreate: now.length, indexes: now };
  return { toDelete, toCreate: 0, indexes: [], waitMs: Math.min(...waits) };
}

/** Pods of an index that is done, twice there or out of range always; then, of the rest, the least useful. */
function removable(job: Job, count: JobCount, atLeast: number): Pod[] {
  const chosen: Pod[] = [];
  const rest: Pod[] = [];
  const seen = new Set<number>();
  const sorted = [...count.active].sort((a, b) => useOf(b) - useOf(a) || age(a, b));
  for (const pod of sorted) {
    const index = indexOf(pod);
    const isSurplus =
      isIndexed(job) &&
      (index === undefined ||
        index >= (job.spec.completions ?? 0) ||
        seen.has(index) ||
        count.completedIndexes.has(index) ||
        count.failedIndexes.has(index));
    if (index !== undefined) seen.add(index);
    (isSurplus ? chosen : rest).push(pod);
  }
  while (chosen.length < atLeast && rest.length > 0) chosen.push(rest.pop()!);
  return chosen;
}

const useOf = (pod: Pod) =>
  Number(isReady(pod)) * 4 + Number(pod.status?.phase === 'Running') * 2 + Number(!!pod.spec?.nodeName);
const age = (a: Pod, b: Pod) => ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1);

/** The lowest indexes that nobody works on. */
function pendingIndexes(job: Job, count: JobCount, wanted: number, busy: readonly Pod[]): number[] {
  const taken = new Set(busy.filter((pod) => isActive(pod) || isTerminating(pod)).map(indexOf));
  const indexes: number[] = [];
  for (let index = 0; index < (job.spec.completions ?? 0) && indexes.length < wanted; index++) {
    if (!taken.has(index) && !count.completedIndexes.has(index) && !count.failedIndexes.has(index)) indexes.push(index);
  }
  return indexes;
}

const firstBackoffMs = 10_000;
const maxBackoffMs = 600_000;

/** How long to wait before the next attempt: doubles with every failure since the last success. */
function backoffMs({ job, pods, nowMs }: JobInput): number {
  const endOf = (pod: Pod) => finishedMs(pod, nowMs);
  const lastSuccessMs = Math.max(0, ...pods.filter((pod) => pod.status?.phase === 'Succeeded').map(endOf));
  const failures = pods.filter((pod) => pod.status?.phase === 'Failed' && judgeFailure(job, pod).counts).map(endOf);
  const recent = failures.filter((endMs) => endMs > lastSuccessMs);
  if (recent.length === 0) return 0;
  const delayMs = Math.min(firstBackoffMs * 2 ** (recent.length - 1), maxBackoffMs);
  return Math.max(0, Math.max(...recent) + delayMs - nowMs);
}

/** How long an index waits after the last of its failures, which knows how many there were before it. */
function indexBackoffMs({ pods, nowMs }: JobInput, index: number): number {
  const failed = pods.filter((pod) => pod.status?.phase === 'Failed' && indexOf(pod) === index);
  const waits = failed.map((pod) => {
    const count = Number(pod.metadata.annotations?.[failureCountAnnotation] ?? 0) || 0;
    return finishedMs(pod, nowMs) + Math.min(firstBackoffMs * 2 ** count, maxBackoffMs) - nowMs;
  });
  return Math.max(0, ...waits);
}

function finishedMs(pod: Pod, nowMs: number): number {
  const ends = (pod.status?.containerStatuses ?? []).map((status) => timeMs(status.state?.terminated?.finishedAt));
  const known = ends.filter((end) => end !== undefined);
  if (known.length > 0) return Math.max(...known);
  const ready = findCondition(pod.status?.conditions, 'Ready');
  return timeMs(ready?.lastTransitionTime) ?? timeMs(pod.metadata.creationTimestamp) ?? nowMs;
}
