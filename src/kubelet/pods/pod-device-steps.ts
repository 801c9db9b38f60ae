// The devices of one pod at their time: given out before anything of it is there, made ready before its sandbox, given back at its end.
import type { Pod } from '../../../generated/core-v1.ts';
import type { Rejection } from './admission.ts';
import type { PodServices } from './pod-services.ts';

const firstRetryMs = 500;
const lastRetryMs = 20_000;

export class PodDeviceSteps {
  readonly #services: PodServices;
  #isAdmitted = false;
  #retryMs = firstRetryMs;

  constructor(services: PodServices) {
    this.#services = services;
  }

  /** Once; a pod that began before the agent started has its devices. */
  async admit(pod: Pod): Promise<Rejection | undefined> {
    const { devices, tracker } = this.#services;
    if (this.#isAdmitted || !devices) return undefined;
    const hasBegun = (pod.status?.phase ?? 'Pending') !== 'Pending';
    const rejection =
      hasBegun || tracker.stateOf(pod.metadata.uid!).sandboxes.length > 0 ? undefined : await devices.admit(pod);
    this.#isAdmitted = true;
    return rejection;
  }

  /** Undefined when they are ready; else in how many milliseconds to try again. */
  async prepare(pod: Pod): Promise<{ readonly retryInMs: number } | undefined> {
    const { devices, events } = this.#services;
    if (!devices) return undefined;
    try {
      await devices.prepare(pod);
      this.#retryMs = firstRetryMs;
      return undefined;
    } catch (error) {
      const text = `Failed to prepare dynamic resources: prepare dynamic resources: ${(error as Error).message}`;
      events.pod(pod, 'Warning', 'FailedPrepareDynamicResources', text);
      const retryInMs = this.#retryMs;
      this.#retryMs = Math.min(lastRetryMs, this.#retryMs * 2);
      return { retryInMs };
    }
  }

  /** @throws while a driver can not be asked: the pod has not ended before */
  async unprepare(pod: Pod): Promise<void> {
    await this.#services.devices?.unprepare(pod);
  }
}
