// The devices of one pod at their time: made ready before its sandbox, given back at its end.
import type { Pod } from '../../../generated/core-v1.ts';
import type { PodServices } from './pod-services.ts';

const firstRetryMs = 500;
const lastRetryMs = 20_000;

export class PodDeviceSteps {
  readonly #services: PodServices;
  #retryMs = firstRetryMs;

  constructor(services: PodServices) {
    this.#services = services;
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
