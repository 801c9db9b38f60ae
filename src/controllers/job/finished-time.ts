import type { Pod } from '../../../generated/core-v1.ts';
import { findCondition } from '../../api/meta/conditions.ts';
import { timeMs } from '../../api/meta/time.ts';

/** When all its containers had ended; where that is not known, when it was no longer ready, was to be gone, or was made. */
export function finishedMs({ metadata, spec, status }: Pod): number {
  const sidecars = new Set(
    spec.initContainers?.filter((each) => each.restartPolicy === 'Always').map(({ name }) => name),
  );
  const statuses = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ];
  const ends = statuses.map(({ state }) => timeMs(state?.terminated?.finishedAt));
  if (ends.length > 0 && ends.every((end) => end !== undefined)) return Math.max(...(ends as number[]));
  const ready = findCondition(status?.conditions, 'Ready');
  const unreadyMs = ready?.status === 'False' ? timeMs(ready.lastTransitionTime) : undefined;
  if (unreadyMs !== undefined) return unreadyMs;
  const deletedMs = timeMs(metadata.deletionTimestamp);
  if (deletedMs !== undefined) return deletedMs - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return timeMs(metadata.creationTimestamp) ?? 0;
}
