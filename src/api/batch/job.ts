// Job.
import type { Job, JobSpec } from '../../../generated/batch-v1.ts';
import { defaultPodTemplate } from '../core/pod-defaults.ts';
import type { KindDefinition } from '../kind.ts';
import { keepStatusAndCount, startWithStatus, statusRules } from '../meta/strategy.ts';
import { jobColumns } from './job-columns.ts';
import { labelPods } from './job-selector.ts';

export const jobKind: KindDefinition<Job> = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  defaults: (job) => {
    job.spec ??= {} as JobSpec;
    defaultJobSpec(job.spec);
    const labels = job.spec.template?.metadata?.labels;
    if (labels && Object.keys(job.metadata.labels ?? {}).length === 0) job.metadata.labels = { ...labels };
  },
  prepareForCreate: (job) => {
    startWithStatus(job);
    if (!job.spec!.manualSelector) labelPods(job);
  },
  prepareForUpdate: keepStatusAndCount,
  subresources: { status: statusRules() },
  defaultPropagation: 'orphan',
  columns: jobColumns,
};

/** Also the spec inside a CronJob, which upstream defaults less. */
export function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1;
  spec.completionMode ||= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ||= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const condition of rule.onPodConditions ?? []) condition.status ||= 'True' as never;
  }
  spec.template ??= {};
  defaultPodTemplate(spec.template);
}
