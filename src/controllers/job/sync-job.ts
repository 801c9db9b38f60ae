// One look at one Job: counts its pods, makes and deletes, writes the status. A pod is counted exactly once: its uid goes
// into the status first, then its finalizer goes, then the uid becomes a number.
import type { Job, JobCondition, JobStatus } from '../../../generated/batch-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { jobKind, podKind } from '../../../generated/kinds.ts';
import { findCondition, withoutCondition } from '../../api/meta/conditions.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { keyOf } from '../../api/meta/object.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import { timeMs, timeText } from '../../api/meta/time.ts';
import type { Client } from '../../client/client.ts';
import { about } from '../../reconcile/about.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import type { Expectations } from '../../reconcile/expectations.ts';
import { isNamespaceEnding } from '../../reconcile/namespace-ending.ts';
import { createPod, deletePod } from '../shared/pod-control.ts';
import { slowStart } from '../shared/slow-start.ts';
import { countPods, isIndexed, isTracked, type JobCount, trackingFinalizer } from './count-pods.ts';
import { formatIndexes } from './indexes.ts';
import { jobCondition, type PodPlan, planFinish, planPods } from './plan-job.ts';
import { podOfJob } from './pod-of-job.ts';

export interface SyncJobOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly expectations: Expectations;
  /** They were met when the pods were looked up. */
  readonly isSettled: boolean;
  /** Uids of pods whose finalizer this process has taken away. */
  readonly released: Set<string>;
  /** Told the version of each status written. */
  readonly wrote: (resourceVersion: string) => void;
  readonly nowMs: number;
}

const askAgainMs = 30_000;

/** Gives the time after which to look again although nothing changes. */
export async function syncJob(job: Job, pods: readonly Pod[], options: SyncJobOptions): Promise<number | undefined> {
  return new JobSync(job, pods, options).run();
}

class JobSync {
  readonly #job: Job;
  readonly #pods: readonly Pod[];
  readonly #options: SyncJobOptions;

  constructor(job: Job, pods: readonly Pod[], options: SyncJobOptions) {
    this.#job = job;
    this.#pods = pods;
    this.#options = options;
  }

  async run(): Promise<number | undefined> {
    const { nowMs, released, isSettled } = this.#options;
    const job = this.#startedJob();
    const input = { job, pods: this.#pods, released, nowMs };
    const before = countPods(input, undefined);
    const finishing = planFinish(input, before);
    const count = finishing ? countPods(input, finishing) : before;
    let changed = { created: 0, deleted: 0 };
    let recheckMs = this.#deadlineInMs(job);
    let problem: unknown;
    let isEnding = false;
    if (finishing) changed = { created: 0, deleted: await this.#deleteActive(count.active, false) };
    else if (isSettled && !job.metadata.deletionTimestamp) {
      const plan = planPods(input, count);
      if (plan.waitMs !== undefined) recheckMs = Math.min(recheckMs ?? plan.waitMs, plan.waitMs);
      const deleted = await this.#deleteActive(plan.toDelete, true);
      const { succeeded, error } = await this.#create(job, plan, count.lastFailed);
      problem = error;
      changed = { created: succeeded, deleted };
      if (isIdle(plan) && [...count.lastFailed.values()].some(isGoing)) {
        isEnding = await this.#isNamespaceEnding(job, count);
        recheckMs = Math.min(recheckMs ?? askAgainMs, askAgainMs);
      }
    }
    await this.#report(job, count, finishing, changed);
    // Those wait for pods in their places, and their namespace, before it lets go of the Job, for them.
    if (isEnding || isNamespaceEnding(problem))
      await allOf([...count.lastFailed.values()].map((pod) => this.#release(pod)));
    if (problem) throw problem;
    return recheckMs;
  }

  /** The Job with its start time: set when it first runs, and again when it goes on after having been suspended. */
  #startedJob(): Job {
    const job = this.#job;
    const { suspend } = job.spec;
    const { status = {} } = job;
    if (suspend || status.startTime) return job;
    return { ...job, status: { ...status, startTime: timeText(this.#options.nowMs) } };
  }

  #deadlineInMs(job: Job): number | undefined {
    const startMs = timeMs(job.status?.startTime);
    const { activeDeadlineSeconds, suspend } = job.spec;
    if (startMs === undefined || activeDeadlineSeconds === undefined || suspend) return undefined;
    return Math.max(0, startMs + activeDeadlineSeconds * 1000 - this.#options.nowMs);
  }

  async #create(job: Job, { toCreate: count, indexes }: PodPlan, lastFailed: ReadonlyMap<number, Pod>) {
    if (count === 0) return { succeeded: 0, error: undefined };
    const { client, recorder, expectations } = this.#options;
    const key = keyOf(job);
    expectations.expectCreations(key, count);
    const asker = { kind: jobKind, owner: job, client, recorder };
    const outcome = await slowStart(count, async (at) => {
      await createPod(asker, podOfJob(job, indexes[at], lastFailed.get(indexes[at] ?? -1)));
    });
    if (outcome.succeeded < count) expectations.creationSeen(key, count - outcome.succeeded);
    return outcome;
  }

  /** Asked by a Job that makes no pods just now, suspended as it may be: whoever makes some is told. */
  async #isNamespaceEnding(job: Job, { lastFailed }: JobCount): Promise<boolean> {
    const [[index, last] = []] = lastFailed;
    const { namespace = '' } = job.metadata;
    const pod = podOfJob(job, index, last);
    try {
      await this.#options.client
        .resource(podKind)
        .create({ ...pod, metadata: { ...pod.metadata, namespace } }, { dryRun: true });
      return false;
    } catch (error) {
      return isNamespaceEnding(error);
    }
  }

  /** `releases`: these pods were stopped, they have not failed; they are not counted. */
  async #deleteActive(pods: readonly Pod[], releases: boolean): Promise<number> {
    const { client, recorder } = this.#options;
    const asker = { kind: jobKind, owner: this.#job, client, recorder };
    await allOf(
      pods.map(async (pod) => {
        if (releases) await this.#release(pod);
        await deletePod(asker, pod);
      }),
    );
    return pods.length;
  }

  async #release(pod: Pod): Promise<void> {
    const { released, client } = this.#options;
    const uid = pod.metadata.uid ?? '';
    if (!isTracked(pod) || released.has(uid)) return;
    released.add(uid);
    try {
      await releasePod(client, pod);
    } catch (error) {
      released.delete(uid);
      throw error;
    }
  }

  async #report(
    job: Job,
    count: JobCount,
    finishing: JobCondition | undefined,
    { created, deleted }: { created: number; deleted: number },
  ): Promise<void> {
    const terminating = count.terminating + deleted;
    const { active: _, ...kept } = job.status ?? {};
    const base: JobStatus = {
      ...kept,
      conditions: this.#suspendConditions(job, finishing),
      ...counts(count, count.active.length - deleted + created, terminating),
      ...(isIndexed(job) ? indexStatus(job, count) : {}),
    };
    if (job.spec.suspend && !finishing) delete base.startTime;
    const uncounted = {
      succeeded: [...(job.status?.uncountedTerminatedPods?.succeeded ?? []), ...count.newSucceeded],
      failed: [...(job.status?.uncountedTerminatedPods?.failed ?? []), ...count.newFailed],
    };
    let written = job;
    // That it is going to end is said before any pod is let go: without that pod nobody would find it out again.
    const isDecided = finishing !== undefined && findCondition(job.status?.conditions, finishing.type) === undefined;
    const isNews = isDecided || count.newSucceeded.length + count.newFailed.length > 0;
    const announced = finishing ? this.#finish(base, finishing, true) : {};
    if (isNews)
      written = await this.#write(written, { ...base, ...announced, uncountedTerminatedPods: lists(uncounted) });
    await allOf(count.toRelease.map((pod) => this.#release(pod)));
    const succeeded = (job.status?.succeeded ?? 0) + uncounted.succeeded.length;
    const failed = (job.status?.failed ?? 0) + uncounted.failed.length;
    const final: JobStatus = {
      ...base,
      ...number('succeeded', isIndexed(job) ? count.completedIndexes.size : succeeded),
      ...number('failed', failed),
      uncountedTerminatedPods: {},
      ...(finishing ? this.#finish(base, finishing, terminating > 0 || count.hasMore) : {}),
    };
    if (!isEqual(final, this.#job.status) || isNews) await this.#write(written, final);
  }

  async #write(job: Job, status: JobStatus): Promise<Job> {
    const written = await this.#options.client.resource(jobKind).update({ ...job, status }, { subresource: 'status' });
    this.#options.wrote(written.metadata.resourceVersion ?? '');
    this.#announce(job.status?.conditions ?? [], status);
    return written;
  }

  #suspendConditions(job: Job, finishing: JobCondition | undefined): JobCondition[] {
    const conditions = job.status?.conditions ?? [];
    const current = findCondition(conditions, 'Suspended');
    if (finishing) return conditions;
    const { nowMs } = this.#options;
    const isSuspended = current?.status === 'True';
    if (Boolean(job.spec.suspend) === isSuspended) return conditions;
    const next = job.spec.suspend
      ? jobCondition('Suspended', 'True', 'JobSuspended', 'Job suspended', nowMs)
      : jobCondition('Suspended', 'False', 'JobResumed', 'Job resumed', nowMs);
    return current ? conditions.map((each) => (each === current ? next : each)) : [...conditions, next];
  }

  /** The end is announced first, and said when the last pod is gone. */
  #finish({ conditions = [], startTime }: JobStatus, finishing: JobCondition, isWaiting: boolean): Partial<JobStatus> {
    const { nowMs } = this.#options;
    const { reason = '', message = '' } = finishing;
    const next = [...withoutCondition(conditions, finishing.type), finishing];
    if (isWaiting) return { conditions: next };
    const isSuccess = finishing.type === 'SuccessCriteriaMet';
    next.push(jobCondition(isSuccess ? 'Complete' : 'Failed', 'True', reason, message, nowMs));
    // A clock that was set back meanwhile: nothing is complete before it began.
    const endMs = Math.max(nowMs, timeMs(startTime) ?? nowMs);
    return { conditions: next, ...(isSuccess ? { completionTime: timeText(endMs) } : {}) };
  }

  #announce(before: readonly JobCondition[], { conditions = [], succeeded = 0 }: JobStatus): void {
    const tell = (type: 'Normal' | 'Warning', reason: string, message: string) =>
      this.#options.recorder.event(about(jobKind, this.#job), type, reason, message);
    for (const { type, status, reason = '', message = '' } of conditions) {
      if (findCondition(before, type)?.status === status) continue;
      if (type === 'Suspended') tell('Normal', status === 'True' ? 'Suspended' : 'Resumed', message);
      if (type === 'Complete') {
        const { completions } = this.#job.spec;
        if (completions !== undefined && succeeded > completions)
          tell('Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached');
        tell('Normal', 'Completed', 'Job completed');
      }
      if (type === 'Failed') tell('Warning', reason, message);
    }
  }
}

/** Throws when all have ended: the next look must not take for let go what this one still tries to. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(work)).find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
}

const isGoing = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
const isIdle = ({ toCreate, toDelete, waitMs }: PodPlan): boolean =>
  toCreate === 0 && toDelete.length === 0 && waitMs === undefined;

function counts(count: JobCount, active: number, terminating: number): Partial<JobStatus> {
  // Of those that were ready some may have been deleted just now.
  return { ...(active > 0 ? { active } : {}), ready: Math.min(count.ready, active), terminating };
}

function indexStatus(job: Job, count: JobCount): Partial<JobStatus> {
  const completed = formatIndexes(count.completedIndexes);
  const failed = formatIndexes(count.failedIndexes);
  return {
    ...(completed ? { completedIndexes: completed } : {}),
    ...(job.spec.backoffLimitPerIndex !== undefined ? { failedIndexes: failed } : {}),
  };
}

const number = (name: 'succeeded' | 'failed', count: number): Partial<JobStatus> =>
  count > 0 ? { [name]: count } : {};
const lists = ({ succeeded, failed }: { succeeded: string[]; failed: string[] }) => ({
  ...(succeeded.length > 0 ? { succeeded } : {}),
  ...(failed.length > 0 ? { failed } : {}),
});

/** Takes the tracking finalizer from the pod: whatever it was kept for has been written down. */
export async function releasePod(client: Client, pod: Pod): Promise<void> {
  const { namespace = '', name, uid } = pod.metadata;
  const patch = { metadata: { uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } };
  try {
    await client.resource(podKind).patch({ namespace, name }, patch, { type: 'strategic' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
