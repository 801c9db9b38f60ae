import type { Pod } from '../../../generated/core-v1.ts';

/** Seconds a pod has to end: those of its deletion, or of its spec. */
export function graceOf(pod: Pod): number {
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}
