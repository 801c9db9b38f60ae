// What was said last of a pod, and whether there is more to say.
import type { Pod, PodStatus } from '../../../generated/core-v1.ts';
import { resizeConditions } from './pod-conditions.ts';

/** Conditions of others come from the object, ours from what we said last. */
export function withLatestStatus(pod: Pod, latest: PodStatus): Pod {
  const own = latest.conditions ?? [];
  const theirs = (pod.status?.conditions ?? []).filter(({ type }) => !own.some((each) => each.type === type));
  return { ...pod, status: { ...latest, conditions: [...own, ...theirs] } };
}

/** Whether somebody may wait for what is new. */
export function saysMore(before: PodStatus | undefined, after: PodStatus): boolean {
  return key(before) !== key(after);
}

function key(status: PodStatus | undefined): string {
  return JSON.stringify([
    status?.phase,
    status?.containerStatuses,
    status?.initContainerStatuses,
    status?.conditions?.find(({ type }) => type === 'Ready')?.status,
    status?.conditions?.filter(({ type }) => resizeConditions.has(type)).map(({ type }) => type),
  ]);
}
