import type { Pod } from '../../../generated/core-v1.ts';

/** Every container has ended and none will start again: the pod runs no more, takes no room and has no address. */
export function isFinished({ status }: Pick<Pod, 'status'>): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
