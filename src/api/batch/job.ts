// Job.
import type { Job, JobSpec } from '../../../generated/batch-v1.ts';
import { dropGatedTemplateFields } from '../core/gated-pod-fields.ts';
import { defaultPodTemplate } from '../core/pod-defaults.ts';
import { isChanged, nameWarnings, templateWarnings } from '../core/pod-warnings.ts';
import type { KindDefinition } from '../kind.ts';
import { type FieldPath, path } from '../meta/field-errors.ts';
import { labelValueProblems } from '../meta/names.ts';
import { keepStatusAndCount, startWithStatus, statusRules } from '../meta/strategy.ts';
import { jobColumns } from './job-columns.ts';
import { labelPods } from './job-selector.ts';
import { validateJobStatus } from './job-status-validation.ts';
import { validateJobUpdate } from './job-update-validation.ts';
import { validateJob } from './job-validation.ts';

export const jobKind: KindDefinition<Job> = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  metadataLooks: ['object', 'change'],
  defaults: (job) => {
    job.spec ??= {} as JobSpec;
    defaultJobSpec(job.spec);
    labelLikePods(job);
  },
  prepareForCreate: (job) => {
    startWithStatus(job);
    dropGatedTemplateFields(job.spec?.template);
    if (!job.spec!.manualSelector) labelPods(job);
    // Upstream does this when it reads the job again: a name that is no label is refused for the template only.
    if (labelValueProblems(job.metadata.name ?? '').length === 0) labelLikePods(job);
  },
  prepareForUpdate: (next, current) => {
    dropGatedTemplateFields(next.spec?.template);
    keepStatusAndCount(next, current);
  },
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  subresources: { status: statusRules({ validateUpdate: validateJobStatus }) },
  warnings: (next, current) => [
    ...(current ? [] : nameWarnings(next)),
    ...(isChanged(next, current) ? jobSpecWarnings(next.spec!, path('spec')) : []),
  ],
  defaultPropagation: 'orphan',
  deletionWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  columns: jobColumns,
};

/** Also of the spec inside a CronJob. */
export function jobSpecWarnings(spec: JobSpec, at: FieldPath): string[] {
  const isVast =
    spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 100_000 && (spec.parallelism ?? 0) > 10_000;
  const advice =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
  return [...(isVast ? [`${at}: ${advice}`] : []), ...templateWarnings(spec.template, at.child('template'))];
}

/** A job without labels takes those of its pods: the very same, so that it gets what they get (job-selector.ts). */
function labelLikePods(job: Job): void {
  const labels = job.spec?.template?.metadata?.labels;
  if (labels && Object.keys(job.metadata.labels ?? {}).length === 0) job.metadata.labels = labels;
}

/** Also the spec inside a CronJob, which upstream defaults less. */
export function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const condition of rule.onPodConditions ?? []) condition.status ||= 'True' as never;
  }
  spec.template ??= {};
  defaultPodTemplate(spec.template);
}
