// The pods of one maker, and how many of them may be disturbed at once.
import type { Pod } from '../../../generated/core-v1.ts';
import { findCondition } from '../../api/meta/conditions.ts';

/** At most this part of the pods is away at any time. */
const tolerance = 0.5;
const deferredMs = 5 * 60_000;
const inProgressMs = 3_600_000;

export class ReplicaGroup {
  readonly #configured: number;
  readonly #running: number;
  readonly #tolerated: number;
  #evicted = 0;
  #resized = 0;

  /** @param configured how many the maker is to keep */
  constructor(configured: number, pods: readonly Pod[]) {
    this.#configured = configured;
    this.#running = pods.filter(({ status }) => status?.phase !== 'Pending').length;
    this.#tolerated = Math.trunc(configured * tolerance);
  }

  get isDisruptable(): boolean {
    const alive = this.#running - (this.#evicted + this.#resized);
    if (alive > this.#configured - this.#tolerated) return true;
    const isUntouched = this.#evicted === 0 && this.#resized === 0;
    return this.#configured === this.#running && this.#tolerated === 0 && isUntouched;
  }

  evicted(pod: Pod): void {
    if (pod.status?.phase !== 'Pending') this.#evicted++;
  }

  resized(): void {
    this.#resized++;
  }

  /** @param resizingSinceMs when the pod's resize was first seen under way */
  mayEvict(pod: Pod, nowMs: number, resizingSinceMs: number | undefined): boolean {
    if (pod.status?.phase === 'Pending') return true;
    if (!isResizing(pod)) return this.isDisruptable;
    return this.isDisruptable && hasResizeFailed(pod, nowMs - (resizingSinceMs ?? nowMs));
  }
}

export function isResizing({ status }: Pod): boolean {
  const found = status?.conditions?.find(({ type }) => type === 'PodResizePending' || type === 'PodResizeInProgress');
  return found?.status === 'True';
}

/** A resize that cannot come about, or that has been on its way for too long. */
function hasResizeFailed({ status }: Pod, forMs: number): boolean {
  const pending = findCondition(status?.conditions, 'PodResizePending');
  if (pending) return pending.reason === 'Deferred' ? forMs > deferredMs : true;
  const going = findCondition(status?.conditions, 'PodResizeInProgress');
  if (!going) return false;
  return going.reason || going.message ? true : forMs > inProgressMs;
}
