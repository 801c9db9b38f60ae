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
  const named = { [oldJobNameLabel]: job.metadata.name, [jobNameLabel]: job.metadata.name };
  template.metadata = { ...template.metadata, labels: { ...own, ...named, ...template.metadata?.labels } } as never;
  job.spec!.selector ??= {};
  const labels = job.spec!.selector.matchLabels ?? {};
  labels[controllerUidLabel] ??= uid;
  job.spec!.selector.matchLabels = labels;
}
