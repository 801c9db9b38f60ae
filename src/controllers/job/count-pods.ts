// What a Job's pods add up to. Pure.
import type { Job, JobCondition } from '../../../generated/batch-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { isConditionTrue } from '../../api/meta/conditions.ts';
import { isActive, isReady, isTerminating } from '../shared/pod-state.ts';
import { type FailureVerdict, judgeFailure } from './failure-policy.ts';
import { finishedMs } from './finished-time.ts';
import { allFailuresBefore, failuresBefore } from './index-failures.ts';
import { indexOf, parseIndexes } from './indexes.ts';

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

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
  /** There are more than can be let go at once. */
  readonly hasMore: boolean;
  readonly newSucceeded: readonly string[];
  readonly newFailed: readonly string[];
  /** Of each index that waits for a new pod, the last that failed: it stays until the new one has taken over its count. */
  readonly lastFailed: ReadonlyMap<number, Pod>;
}

export const isIndexed = (job: Job): boolean => job.spec.completionMode === 'Indexed';
export const replacesOnlyFailed = (job: Job): boolean => job.spec.podReplacementPolicy === 'Failed';
export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) ?? false;
export const isJobFinished = (job: Job): boolean =>
  isConditionTrue(job.status?.conditions, 'Complete') || isConditionTrue(job.status?.conditions, 'Failed');

/** A pod being deleted counts as failed, unless the Job waits for the real end. */
export function hasFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

/** More are counted with the next look: their uids must fit into a status. */
const maxReleased = 500;

/** `finishing`: how the Job ends, once that is known; then all its pods do. */
export function countPods({ job, pods, released }: JobInput, finishing: JobCondition | undefined): JobCount {
  const { status = {} } = job;
  const limit = job.spec.completions ?? 0;
  const uncountedSucceeded = new Set(status.uncountedTerminatedPods?.succeeded);
  const uncountedFailed = new Set(status.uncountedTerminatedPods?.failed);
  const completedIndexes = parseIndexes(status.completedIndexes, limit);
  const failedIndexes = parseIndexes(status.failedIndexes, limit);
  const newSucceeded = new Set<string>();
  const newFailed = new Set<string>();
  const isFailing = finishing !== undefined && finishing.type !== 'SuccessCriteriaMet';
  const isEnding = finishing !== undefined || job.metadata.deletionTimestamp !== undefined;
  const inRange = (pod: Pod) => !isIndexed(job) || (indexOf(pod) ?? limit) < limit;
  const tracked = pods.filter((pod) => isTracked(pod) && !released.has(uidOf(pod)));
  // What was counted as ended, and could not be let go then, is let go now, whatever has become of it or of the Job.
  const isCounted = (pod: Pod) => uncountedFailed.has(uidOf(pod)) || uncountedSucceeded.has(uidOf(pod));
  const ended = tracked.filter(
    (pod) => pod.status?.phase === 'Succeeded' || hasFailed(job, pod) || isEnding || isCounted(pod),
  );
  for (const pod of ended) {
    const uid = uidOf(pod);
    if (uncountedFailed.has(uid)) continue;
    if (pod.status?.phase === 'Succeeded') {
      if (!isIndexed(job)) {
        if (!uncountedSucceeded.has(uid)) newSucceeded.add(uid);
      } else if (inRange(pod)) completedIndexes.add(indexOf(pod)!);
    } else if ((hasFailed(job, pod) || isFailing) && inRange(pod)) {
      const verdict = judgeFailure(job, pod);
      if (verdict.counts) newFailed.add(uid);
      // What is only ended with the Job has not failed its index.
      if (hasFailed(job, pod) && failsItsIndex(job, pod, verdict)) failedIndexes.add(indexOf(pod)!);
    }
  }
  const active = pods.filter(isActive);
  const isWaiting = (index: number) => index < limit && !completedIndexes.has(index) && !failedIndexes.has(index);
  const lastFailed = lastFailures(job, ended, active, isWaiting);
  const isKept = (pod: Pod) => !isEnding && !isCounted(pod) && lastFailed.get(indexOf(pod) ?? -1) === pod;
  const releasable = ended.filter((pod) => !isKept(pod));
  const toRelease = releasable.slice(0, maxReleased);
  const now = new Set(toRelease.map(uidOf));
  return {
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    succeeded: isIndexed(job)
      ? completedIndexes.size
      : (status.succeeded ?? 0) + uncountedSucceeded.size + newSucceeded.size,
    failed: (status.failed ?? 0) + uncountedFailed.size + newFailed.size,
    completedIndexes,
    failedIndexes,
    toRelease,
    hasMore: releasable.length > toRelease.length,
    newSucceeded: [...newSucceeded].filter((uid) => now.has(uid)),
    newFailed: [...newFailed].filter((uid) => now.has(uid)),
    lastFailed,
  };
}

const uidOf = (pod: Pod): string => pod.metadata.uid ?? '';

/** Of each index that waits for a pod, the failed one that knows of most failures, or is the latest of those. */
function lastFailures(
  job: Job,
  ended: readonly Pod[],
  active: readonly Pod[],
  isWaiting: (index: number) => boolean,
): Map<number, Pod> {
  const last = new Map<number, Pod>();
  if (!isIndexed(job) || job.spec.backoffLimitPerIndex === undefined) return last;
  const busy = new Set(active.map(indexOf));
  for (const pod of ended) {
    const index = indexOf(pod);
    if (index === undefined || busy.has(index) || !isWaiting(index) || !hasFailed(job, pod)) continue;
    const known = last.get(index);
    if (!known || isLaterFailure(pod, known)) last.set(index, pod);
  }
  return last;
}

function isLaterFailure(pod: Pod, than: Pod): boolean {
  return allFailuresBefore(pod) >= allFailuresBefore(than) && finishedMs(pod) >= finishedMs(than);
}

function failsItsIndex(job: Job, pod: Pod, verdict: FailureVerdict): boolean {
  const limit = job.spec.backoffLimitPerIndex;
  if (limit === undefined || indexOf(pod) === undefined) return false;
  return verdict.failsIndex === true || (verdict.counts && failuresBefore(pod) >= limit);
}
