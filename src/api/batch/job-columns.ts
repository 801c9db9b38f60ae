// The job table.
import type { Job } from '../../../generated/batch-v1.ts';
import { containerColumns } from '../core/pod-template-columns.ts';
import type { Column } from '../kind.ts';
import { ageColumn, nameColumn, selectorCell } from '../meta/columns.ts';
import { isConditionTrue } from '../meta/conditions.ts';
import { humanDuration } from '../meta/human-duration.ts';
import { timeMs } from '../meta/time.ts';

export const jobColumns: readonly Column<Job>[] = [
  nameColumn,
  {
    name: 'Status',
    type: 'string',
    description: 'Status of the job.',
    cell: statusText,
  },
  {
    name: 'Completions',
    type: 'string',
    description:
      'The number of pods which reached phase Succeeded. The value increases monotonically for a given spec. However, it may decrease in reaction to scale down of elastic indexed jobs.',
    cell: completionsText,
  },
  {
    name: 'Duration',
    type: 'string',
    description: 'Time required to complete the job.',
    cell: durationText,
  },
  ageColumn,
  ...containerColumns<Job>(({ spec }) => spec?.template?.spec),
  {
    name: 'Selector',
    type: 'string',
    description:
      'A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors',
    priority: 1,
    cell: ({ spec }) => selectorCell(spec?.selector),
  },
];

function statusText({ metadata, status }: Job): string {
  const has = (type: string): boolean => isConditionTrue(status?.conditions, type);
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (metadata.deletionTimestamp) return 'Terminating';
  if (has('Suspended')) return 'Suspended';
  if (has('FailureTarget')) return 'FailureTarget';
  return has('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

function completionsText({ spec, status }: Job): string {
  const done = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function durationText({ status }: Job, time: { readonly nowMs: number }): string {
  const start = timeMs(status?.startTime);
  if (start === undefined) return '';
  return humanDuration((timeMs(status?.completionTime) ?? time.nowMs) - start);
}
