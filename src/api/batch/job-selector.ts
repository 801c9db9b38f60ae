// Who a job's pods are: unless the user chose labels, the job's own uid tells them apart.
import type { Job } from '../../../generated/batch-v1.ts';

export const controllerUidLabel = 'batch.kubernetes.io/controller-uid';
export const jobNameLabel = 'batch.kubernetes.io/job-name';
const oldControllerUidLabel = 'controller-uid';
const oldJobNameLabel = 'job-name';

/** Sets the template's labels and the selector. Needs the uid, which the registry gave before. */
export function labelPods(job: Job): void {
  const uid = job.metadata.uid ?? '';
  const template = job.spec!.template;
  const own = { [oldControllerUidLabel]: uid, [controllerUidLabel]: uid };
  const name = job.metadata.name ?? '';
  const named = { [oldJobNameLabel]: name, [jobNameLabel]: name };
  const isShared = template.metadata?.labels !== undefined && job.metadata.labels === template.metadata.labels;
  const labels = { ...own, ...named, ...template.metadata?.labels };
  template.metadata = { ...template.metadata, labels } as never;
  if (isShared) job.metadata.labels = { ...labels };
  job.spec!.selector ??= {};
  const matchLabels = job.spec!.selector.matchLabels ?? {};
  matchLabels[controllerUidLabel] ??= uid;
  job.spec!.selector.matchLabels = matchLabels;
}
