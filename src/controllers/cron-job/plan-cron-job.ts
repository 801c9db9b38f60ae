// Which start is due, and which finished Jobs are kept no longer.
import type { CronJob, Job } from '../../../generated/batch-v1.ts';
import { isConditionTrue } from '../../api/meta/conditions.ts';
import { timeMs } from '../../api/meta/time.ts';

/** The first time a schedule fires after an instant. */
export type NextTime = (afterMs: number) => number | undefined;

export interface Missed {
  readonly earliestMs: number;
  /** The latest start that has come and not been used. */
  readonly mostRecentMs?: number;
  /** About how many have. */
  readonly count: number;
  /** The schedule is none. */
  readonly problem?: string;
}

/** After more than so many missed starts, people are told. */
export const manyMissed = 100;
const requeueDeltaMs = 100;

/** Starts between the last one that was used and now. */
export function missedStarts(job: CronJob, next: NextTime, nowMs: number, deadlineSeconds?: number): Missed {
  let earliestMs = timeMs(job.status?.lastScheduleTime) ?? timeMs(job.metadata.creationTimestamp) ?? nowMs;
  if (deadlineSeconds !== undefined) earliestMs = Math.max(earliestMs, nowMs - deadlineSeconds * 1000);
  const first = next(earliestMs);
  const second = first === undefined ? undefined : next(first);
  if (first === undefined)
    return { earliestMs, count: 0, problem: 'time difference between two schedules is less than 1 second' };
  if (nowMs < first) return { earliestMs, count: 0 };
  if (second === undefined || nowMs < second) return { earliestMs, mostRecentMs: first, count: 0 };
  const intervalMs = second - first;
  const count = Math.floor((nowMs - first) / intervalMs) + 1;
  // A start from which few steps lead to now, for even schedules; uneven ones take a few more.
  let mostRecentMs: number | undefined;
  let atMs = next(first + (count - 2) * intervalMs);
  while (atMs !== undefined && atMs <= nowMs) {
    mostRecentMs = atMs;
    atMs = next(atMs);
  }
  return { earliestMs, count, ...(mostRecentMs === undefined ? {} : { mostRecentMs }) };
}

/** How long until the next start; undefined: it never comes. */
export function untilNextMs(job: CronJob, next: NextTime, nowMs: number): number | undefined {
  const { earliestMs, mostRecentMs, count, problem } = missedStarts(job, next, nowMs);
  const fromMs = problem ? nowMs : (mostRecentMs ?? (count === 0 ? earliestMs : nowMs));
  const atMs = next(fromMs);
  return atMs === undefined ? undefined : atMs + requeueDeltaMs - nowMs;
}

export const jobNameAt = (job: CronJob, startMs: number) => `${job.metadata.name}-${Math.floor(startMs / 60_000)}`;

/** How a Job ended; undefined while it runs. */
export function endOf({ status }: Job): 'Complete' | 'Failed' | undefined {
  if (isConditionTrue(status?.conditions, 'Complete')) return 'Complete';
  return isConditionTrue(status?.conditions, 'Failed') ? 'Failed' : undefined;
}

/** Finished Jobs beyond the limits of history, oldest first. */
export function planCleanup({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const beyond = (end: 'Complete' | 'Failed', limit: number | undefined) => {
    const ended = jobs.filter((job) => endOf(job) === end && !job.metadata.deletionTimestamp).sort(byStart);
    return limit === undefined ? [] : ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [...beyond('Complete', spec.successfulJobsHistoryLimit), ...beyond('Failed', spec.failedJobsHistoryLimit)];
}

/** Those that never started come last. */
function byStart(a: Job, b: Job): number {
  const [startA, startB] = [timeMs(a.status?.startTime), timeMs(b.status?.startTime)];
  const order = (startA ?? Number.MAX_SAFE_INTEGER) - (startB ?? Number.MAX_SAFE_INTEGER);
  return order || (a.metadata.name < b.metadata.name ? -1 : 1);
}
