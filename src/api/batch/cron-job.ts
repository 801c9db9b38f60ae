// CronJob.
import type { CronJob, CronJobSpec } from '../../../generated/batch-v1.ts';
import { dropGatedTemplateFields } from '../core/gated-pod-fields.ts';
import { defaultPodTemplate } from '../core/pod-defaults.ts';
import { isChanged, nameWarnings } from '../core/pod-warnings.ts';
import type { KindDefinition } from '../kind.ts';
import { path } from '../meta/field-errors.ts';
import { keepStatusAndCount, startWithStatus, statusRules } from '../meta/strategy.ts';
import { cronJobColumns } from './cron-job-columns.ts';
import { validateCronJob } from './cron-job-validation.ts';
import { jobSpecWarnings } from './job.ts';

const zoneWarning =
  'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details';

export const cronJobKind: KindDefinition<CronJob> = {
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  defaults,
  prepareForCreate: (cronJob) => {
    startWithStatus(cronJob);
    dropGatedTemplateFields(cronJob.spec.jobTemplate.spec?.template);
  },
  prepareForUpdate: (next, current) => {
    dropGatedTemplateFields(next.spec.jobTemplate.spec?.template);
    keepStatusAndCount(next, current);
  },
  validate: validateCronJob,
  warnings: (next, current) => [
    ...(current ? [] : nameWarnings(next)),
    ...(isChanged(next, current)
      ? jobSpecWarnings(next.spec.jobTemplate.spec!, path('spec', 'jobTemplate', 'spec'))
      : []),
    ...(current && next.spec.schedule.includes('TZ') ? [zoneWarning] : []),
  ],
  subresources: { status: { ...statusRules(), metadataLooks: [] } },
  otherVersions: [
    {
      group: 'batch',
      version: 'v1beta1',
      deprecationWarning: 'batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob',
      defaults: (object) => defaults(object as CronJob),
    },
  ],
  columns: cronJobColumns,
};

function defaults(cronJob: CronJob): void {
  cronJob.spec ??= {} as CronJobSpec;
  const spec = cronJob.spec;
  spec.concurrencyPolicy ||= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  for (const rule of spec.jobTemplate?.spec?.podFailurePolicy?.rules ?? []) {
    for (const condition of rule.onPodConditions ?? []) condition.status ||= 'True' as never;
  }
  if (spec.jobTemplate?.spec?.template) defaultPodTemplate(spec.jobTemplate.spec.template);
}
