// How often the pods of an index have failed: each pod carries what was before it, so that it is known when they are gone.
import type { Job } from '../../../generated/batch-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { judgeFailure } from './failure-policy.ts';

export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count';
/** Failures that the Job's policy does not count. */
export const ignoredFailureCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count';

const maxCount = 2 ** 31 - 1;

/** Somebody may have written anything there. */
function countIn(pod: Pod, annotation: string): number {
  const text = pod.metadata.annotations?.[annotation] ?? '';
  return /^[+]?\d{1,10}$/.test(text) && Number(text) <= maxCount ? Number(text) : 0;
}

/** Failures that counted, before this pod. */
export const failuresBefore = (pod: Pod): number => countIn(pod, failureCountAnnotation);

/** All failures before this pod, ignored ones too. */
export const allFailuresBefore = (pod: Pod): number =>
  failuresBefore(pod) + countIn(pod, ignoredFailureCountAnnotation);

/** Up to this failed pod, itself included; without one there were none. */
export function failuresUpTo(job: Job, pod: Pod | undefined): { counted: number; ignored: number } {
  if (!pod) return { counted: 0, ignored: 0 };
  const counted = failuresBefore(pod);
  const ignored = countIn(pod, ignoredFailureCountAnnotation);
  return judgeFailure(job, pod).counts ? { counted: counted + 1, ignored } : { counted, ignored: ignored + 1 };
}
