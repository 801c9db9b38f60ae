import type { CronJob } from '../../generated/batch-v1.ts';
import { cronJobKind, jobKind } from '../../generated/kinds.ts';
import { type KubernetesObject, keyOf } from '../api/meta/object.ts';
import { controllerOf } from '../api/meta/owner-references.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { untilNextMs } from './cron-job/plan-cron-job.ts';
import { scheduleOf } from './cron-job/schedule-of.ts';
import { syncCronJob } from './cron-job/sync-cron-job.ts';
import { controlledBy, indexByController } from './shared/indexes.ts';
import { WrittenVersions } from './shared/written-versions.ts';

/** Makes Jobs on a schedule. */
export const cronJobController: ControllerDefinition = {
  name: 'cronjob',
  setup({ client, informers, clock, recorder }, queue) {
    const cronJobs = informers.informer(cronJobKind);
    const jobs = informers.informer(jobKind);
    const events = recorder('cronjob-controller');
    const written = new WrittenVersions();
    indexByController(jobs);
    const lookAtOwner = (job: KubernetesObject) => {
      const reference = controllerOf(job);
      if (reference?.kind !== cronJobKind.kind) return;
      const key = `${job.metadata.namespace}/${reference.name}`;
      if (cronJobs.find(key)?.metadata.uid === reference.uid) queue.add(key);
    };
    jobs.onChange({ added: lookAtOwner, updated: lookAtOwner, deleted: lookAtOwner });
    cronJobs.onChange({
      added: (job) => queue.add(keyOf(job)),
      updated: (next, previous) => {
        const isRescheduled =
          next.spec.schedule !== previous.spec.schedule || next.spec.timeZone !== previous.spec.timeZone;
        const delayMs = isRescheduled ? untilNext(next) : 0;
        if (delayMs !== undefined) queue.addAfter(keyOf(next), delayMs);
      },
      deleted: (job) => written.forget(keyOf(job)),
    });
    // A new schedule does not make up for starts that only it would have had.
    const untilNext = (job: CronJob) => {
      const schedule = scheduleOf(job);
      return 'problem' in schedule ? 0 : untilNextMs(job, schedule.next, clock.now());
    };

    return {
      name: 'cronjob',
      async reconcile(key) {
        const job = cronJobs.find(key);
        if (!job || written.isBehind(key, job.metadata.resourceVersion)) return;
        const children = controlledBy(jobs, job.metadata.uid);
        const outcome = await syncCronJob({ client, recorder: events, nowMs: clock.now() }, job, children);
        written.wrote(key, outcome.resourceVersion);
        if (outcome.recheckMs !== undefined) queue.addAfter(key, outcome.recheckMs);
        if (outcome.problem) throw outcome.problem;
      },
    };
  },
};
