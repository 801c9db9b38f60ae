// One look at one CronJob: counts its Jobs, starts what is due, tidies history, writes the status.
import type { CronJob, CronJobStatus, Job } from '../../../generated/batch-v1.ts';
import type { ObjectReference } from '../../../generated/core-v1.ts';
import { cronJobKind, jobKind } from '../../../generated/kinds.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { controllerReference, isControlledBy } from '../../api/meta/owner-references.ts';
import { isAlreadyExists, isNotFound } from '../../api/meta/status-error.ts';
import { timeMs, timeText } from '../../api/meta/time.ts';
import type { Client, NewObject } from '../../client/client.ts';
import { about } from '../../reconcile/about.ts';
import type { EventRecorder } from '../../reconcile/controller.ts';
import { isNamespaceEnding } from '../../reconcile/namespace-ending.ts';
import type { ZoneOffset } from './cron-times.ts';
import {
  endOf,
  jobNameAt,
  manyMissed,
  missedStarts,
  type NextTime,
  planCleanup,
  untilNextMs,
} from './plan-cron-job.ts';
import { scheduleOf } from './schedule-of.ts';

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export interface SyncCronJobOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly nowMs: number;
}

export interface SyncOutcome {
  /** When to look again although nothing changes. */
  readonly recheckMs: number | undefined;
  /** Of the status, when it was written. */
  readonly resourceVersion: string | undefined;
  readonly problem: unknown;
}

export async function syncCronJob(
  options: SyncCronJobOptions,
  cronJob: CronJob,
  jobs: readonly Job[],
): Promise<SyncOutcome> {
  return new CronJobSync(options, cronJob, jobs).run();
}

class CronJobSync {
  readonly #options: SyncCronJobOptions;
  readonly #cronJob: CronJob;
  readonly #jobs: readonly Job[];
  #active: ObjectReference[];
  #status: Omit<CronJobStatus, 'active'>;

  constructor(options: SyncCronJobOptions, cronJob: CronJob, jobs: readonly Job[]) {
    this.#options = options;
    this.#cronJob = cronJob;
    this.#jobs = jobs;
    const { active = [], ...status } = cronJob.status ?? {};
    this.#active = [...active];
    this.#status = status;
  }

  async run(): Promise<SyncOutcome> {
    let problem: unknown;
    let recheckMs: number | undefined;
    // First what goes: of those that go nobody hears that they were seen to end.
    for (const job of planCleanup(this.#cronJob, this.#jobs)) {
      if (!(await this.#delete(job))) problem ??= new Error(`could not delete job ${job.metadata.name}`);
    }
    try {
      this.#countJobs();
      await this.#forgetMissing();
      recheckMs = await this.#start();
    } catch (error) {
      problem = error;
    }
    const resourceVersion = await this.#report();
    return { recheckMs, resourceVersion, problem };
  }

  #tell(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#options.recorder.event(about(cronJobKind, this.#cronJob), type, reason, message);
  }

  #isActive(uid: string | undefined): boolean {
    return this.#active.some((each) => each.uid === uid);
  }

  #forget(uid: string | undefined): void {
    this.#active = this.#active.filter((each) => each.uid !== uid);
  }

  #countJobs(): void {
    for (const job of this.#jobs) {
      const { name, uid } = job.metadata;
      const end = endOf(job);
      if (!end && !this.#isActive(uid)) {
        this.#tell('Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${name}`);
      } else if (end && this.#isActive(uid)) {
        this.#forget(uid);
        this.#tell('Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`);
      }
      const completedMs = timeMs(job.status?.completionTime);
      const lastMs = timeMs(this.#status.lastSuccessfulTime) ?? Number.NEGATIVE_INFINITY;
      if (end === 'Complete' && completedMs !== undefined && completedMs > lastMs) {
        this.#status.lastSuccessfulTime = timeText(completedMs);
      }
    }
  }

  /** Asks the server about Jobs that the cache does not have: it may just not have them yet. */
  async #forgetMissing(): Promise<void> {
    const known = new Set(this.#jobs.map(({ metadata }) => metadata.uid));
    for (const { uid, name = '', namespace = '' } of [...this.#active]) {
      if (known.has(uid)) continue;
      const found = await this.#options.client.resource(jobKind).find({ namespace, name });
      if (found) continue;
      this.#tell('Normal', 'MissingJob', `Active job went missing: ${name}`);
      this.#forget(uid);
    }
  }

  /** Starts what is due, and says when the next start is. */
  async #start(): Promise<number | undefined> {
    const cronJob = this.#cronJob;
    const { spec } = cronJob;
    if (cronJob.metadata.deletionTimestamp) return undefined;
    const schedule = scheduleOf(cronJob);
    const isUnknownZone = 'problem' in schedule && schedule.problem === 'UnknownTimeZone';
    if (spec.suspend && !isUnknownZone) return undefined;
    if ('problem' in schedule) {
      this.#tell('Warning', schedule.problem, schedule.message);
      return undefined;
    }
    const startMs = this.#dueMs(schedule.next);
    if (startMs === 'never') return undefined;
    if (startMs !== undefined && !this.#isHindered(startMs)) await this.#replaceAndCreate(startMs, schedule.offset);
    return untilNextMs({ ...cronJob, status: this.#status }, schedule.next, this.#options.nowMs);
  }

  #dueMs(next: NextTime): number | undefined | 'never' {
    const { spec } = this.#cronJob;
    const missed = missedStarts(this.#cronJob, next, this.#options.nowMs, spec.startingDeadlineSeconds);
    if (missed.problem) {
      this.#tell('Warning', 'InvalidSchedule', `invalid schedule: ${spec.schedule} : ${missed.problem}`);
      return 'never';
    }
    if (missed.mostRecentMs !== undefined && missed.count > manyMissed) {
      const advice = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew';
      this.#tell('Warning', 'TooManyMissedTimes', `too many missed start times. ${advice}`);
    }
    return missed.mostRecentMs;
  }

  /** It is too late, it was started already, or another one still runs and must not be joined. */
  #isHindered(startMs: number): boolean {
    const { spec } = this.#cronJob;
    const { startingDeadlineSeconds } = spec;
    if (startingDeadlineSeconds !== undefined && startMs + startingDeadlineSeconds * 1000 < this.#options.nowMs) {
      const when = new Date(startMs).toUTCString().replace('GMT', '+0000');
      this.#tell('Warning', 'MissSchedule', `Missed scheduled time to start a job: ${when}`);
      return true;
    }
    const name = jobNameAt(this.#cronJob, startMs);
    if (this.#active.some((each) => each.name === name)) return true;
    if (timeMs(this.#status.lastScheduleTime) === startMs) return true;
    if (spec.concurrencyPolicy !== 'Forbid' || this.#active.length === 0) return false;
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    this.#tell('Normal', 'JobAlreadyActive', message);
    return true;
  }

  async #replaceAndCreate(startMs: number, offset: ZoneOffset): Promise<void> {
    if (this.#cronJob.spec.concurrencyPolicy === 'Replace') {
      for (const { name = '', namespace = '' } of [...this.#active]) {
        const job = await this.#options.client.resource(jobKind).get({ namespace, name });
        if (!(await this.#delete(job))) throw new Error(`could not replace job ${namespace}/${name}`);
      }
    }
    const job = await this.#create(startMs, offset);
    if (!job || this.#isActive(job.metadata.uid)) return;
    this.#active.push(referenceTo(job));
    this.#status.lastScheduleTime = timeText(startMs);
  }

  /** Undefined: the name is taken by a stranger. */
  async #create(startMs: number, offset: ZoneOffset): Promise<Job | undefined> {
    const resource = this.#options.client.resource(jobKind);
    const draft = jobAt(this.#cronJob, startMs, offset);
    try {
      const job = await resource.create(draft);
      this.#tell('Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      return job;
    } catch (error) {
      if (isAlreadyExists(error)) {
        // Made by us, but the status was not written: it is now.
        const { namespace = '', name = '' } = draft.metadata;
        const job = await resource.get({ namespace, name });
        return isControlledBy(job, this.#cronJob) ? job : undefined;
      }
      if (!isNamespaceEnding(error)) {
        this.#tell('Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  async #delete({ metadata }: Job): Promise<boolean> {
    const { namespace = '', name, uid } = metadata;
    try {
      await this.#options.client.resource(jobKind).delete({ namespace, name }, { propagationPolicy: 'Background' });
    } catch (error) {
      if (!isNotFound(error)) {
        this.#tell('Warning', 'FailedDelete', `Deleted job: ${(error as Error).message}`);
        return false;
      }
    }
    this.#forget(uid);
    this.#tell('Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    return true;
  }

  async #report(): Promise<string | undefined> {
    const status = { ...(this.#active.length > 0 ? { active: this.#active } : {}), ...this.#status };
    if (isEqual(status, this.#cronJob.status ?? {})) return undefined;
    const resource = this.#options.client.resource(cronJobKind);
    const written = await resource.update({ ...this.#cronJob, status }, { subresource: 'status' });
    return written.metadata.resourceVersion;
  }
}

function jobAt(cronJob: CronJob, startMs: number, offset: ZoneOffset): NewObject<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  const { labels, annotations } = metadata ?? {};
  // In the zone it was meant in; without one, in UTC.
  const scheduled = cronJob.spec.timeZone ? zonedText(startMs, offset(startMs)) : timeText(startMs);
  return {
    metadata: {
      name: jobNameAt(cronJob, startMs),
      namespace: cronJob.metadata.namespace ?? '',
      ...(labels ? { labels } : {}),
      annotations: { ...annotations, [scheduledAnnotation]: scheduled },
      ownerReferences: [controllerReference(cronJob, cronJobKind)],
    },
    ...(spec ? { spec } : {}),
  } as NewObject<Job>;
}

/** RFC 3339 with an offset. */
function zonedText(atMs: number, offsetMinutes: number): string {
  if (offsetMinutes === 0) return timeText(atMs);
  const two = (value: number) => `${value}`.padStart(2, '0');
  const minutes = Math.abs(offsetMinutes);
  const sign = offsetMinutes < 0 ? '-' : '+';
  const local = new Date(atMs + offsetMinutes * 60_000).toISOString().slice(0, 19);
  return `${local}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function referenceTo({ metadata }: Job): ObjectReference {
  const { name, namespace = '', uid = '', resourceVersion = '' } = metadata;
  return { kind: jobKind.kind, namespace, name, uid, apiVersion: 'batch/v1', resourceVersion };
}
