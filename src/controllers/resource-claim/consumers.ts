import type { Pod } from '../../../generated/core-v1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';

/** The pod will not run, or not again. */
export const isDone = (pod: Pod): boolean =>
  isFinished(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName);

/** Remembers the last ones. */
export class RecentUids {
  readonly #limit: number;
  readonly #uids = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(uid: string): void {
    this.#uids.add(uid);
    if (this.#uids.size <= this.#limit) return;
    for (const oldest of this.#uids) {
      this.#uids.delete(oldest);
      return;
    }
  }

  has(uid: string): boolean {
    return this.#uids.has(uid);
  }
}
