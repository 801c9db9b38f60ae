// What follows from what a Job's pods add up to. Pure.
import type { Job, JobCondition } from '../../../generated/batch-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { findCondition, isConditionTrue } from '../../api/meta/conditions.ts';
import { timeMs, timeText } from '../../api/meta/time.ts';
import { isActive, isReady, isTerminating } from '../shared/pod-state.ts';
import { hasFailed, isIndexed, type JobCount, type JobInput, replacesOnlyFailed } from './count-pods.ts';
import { judgeFailure } from './failure-policy.ts';
import { finishedMs } from './finished-time.ts';
import { allFailuresBefore } from './index-failures.ts';
import { indexOf, parseIndexes } from './indexes.ts';

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
  // One or the other, never both at once.
  if (toDelete.length > 0) return { toDelete, toCreate: 0, indexes: [] };
  const replaced = replacesOnlyFailed(job) ? count.terminating : 0;
  const missing = Math.min(goal - replaced - active.length, maxAtOnce);
  if (missing <= 0) return { toDelete, toCreate: 0, indexes: [] };
  const isIndependent = isIndexed(job) && job.spec.backoffLimitPerIndex !== undefined;
  const waitMs = isIndependent ? 0 : backoffMs(input);
  if (waitMs > 0) return { toDelete, toCreate: 0, indexes: [], waitMs };
  if (!isIndexed(job)) return { toDelete, toCreate: missing, indexes: [] };
  const indexes = pendingIndexes(job, count, missing, replacesOnlyFailed(job) ? input.pods : active);
  if (!isIndependent) return { toDelete, toCreate: indexes.length, indexes };
  // Each index backs off for itself.
  const waits = indexes.map((index) => indexBackoffMs(count.lastFailed.get(index), input.nowMs));
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
  const lastSuccessMs = Math.max(0, ...pods.filter((pod) => pod.status?.phase === 'Succeeded').map(finishedMs));
  const failures = pods
    .filter((pod) => pod.status?.phase === 'Failed' && judgeFailure(job, pod).counts)
    .map(finishedMs);
  const recent = failures.filter((endMs) => endMs > lastSuccessMs);
  if (recent.length === 0) return 0;
  const delayMs = Math.min(firstBackoffMs * 2 ** (recent.length - 1), maxBackoffMs);
  return Math.max(0, Math.max(...recent) + delayMs - nowMs);
}

/** How long an index waits after the last of its failures, which knows how many there were before it. */
function indexBackoffMs(last: Pod | undefined, nowMs: number): number {
  if (!last) return 0;
  const delayMs = Math.min(firstBackoffMs * 2 ** Math.min(allFailuresBefore(last), 30), maxBackoffMs);
  return Math.max(0, finishedMs(last) + delayMs - nowMs);
}
