// What is asked once about a pod, before anything of it is there: whether it may be here, and what the runtime can do for it.
import type { Pod } from '../../../generated/core-v1.ts';
import type { Rejection } from './admission.ts';
import { nodeRejectionOf } from './node-admission.ts';
import type { PodServices } from './pod-services.ts';
import { canMountRecursively } from './recursive-read-only.ts';

export class PodEntry {
  readonly #services: PodServices;
  #isOver = false;
  /** Mounts that are to be read-only all the way down can be. */
  hasRecursiveReadOnly = false;

  constructor(services: PodServices) {
    this.#services = services;
  }

  /** Gives out devices; a pod that began before the agent started has its own. @throws what may go better the next time */
  async admit(pod: Pod): Promise<Rejection | undefined> {
    if (this.#isOver) return undefined;
    const { devices, tracker, isSimulated } = this.#services;
    const hasBegun =
      tracker.stateOf(pod.metadata.uid!).sandboxes.length > 0 || (pod.status?.phase ?? 'Pending') !== 'Pending';
    this.hasRecursiveReadOnly = await canMountRecursively(this.#services, pod);
    const rejection =
      hasBegun || isSimulated
        ? undefined
        : ((await nodeRejectionOf(this.#services, pod)) ?? (await devices?.admit(pod)));
    this.#isOver = true;
    return rejection;
  }
}
