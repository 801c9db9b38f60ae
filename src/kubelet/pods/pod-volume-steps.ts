// The volumes of one pod at their time: set up before its containers, kept up to date, given back at its end. What fails is
// tried again, ever later.
import type { Pod } from '../../../generated/core-v1.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import type { ReadyVolume } from '../volumes/volume-driver.ts';
import { VolumeFailure } from '../volumes/volume-failure.ts';
import type { NodeFacts } from './field-ref.ts';
import type { PodServices } from './pod-services.ts';

const firstRetryMs = 500;
const lastRetryMs = 122_000;

export class PodVolumeSteps {
  readonly #services: PodServices;
  readonly #wakeIn: (delayMs: number) => void;
  #ready: Map<string, ReadyVolume> | undefined;
  #retryMs = firstRetryMs;
  /** Some are mounted that should not be. */
  #isOwed = false;

  /** @param wakeIn asks for another look at the pod */
  constructor(services: PodServices, wakeIn: (delayMs: number) => void) {
    this.#services = services;
    this.#wakeIn = wakeIn;
  }

  /** By name, once all are set up. */
  get ready(): ReadonlyMap<string, ReadyVolume> | undefined {
    return this.#ready;
  }

  get isOwed(): boolean {
    return this.#isOwed;
  }

  /** False while one cannot be set up: an event says why. */
  async ensure(pod: Pod, facts: NodeFacts, signal: AbortSignal): Promise<boolean> {
    if (this.#ready) return true;
    const { volumes, events } = this.#services;
    try {
      this.#ready = await volumes.setUp(pod, facts, signal);
      this.#retryMs = firstRetryMs;
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const reason = error instanceof VolumeFailure ? error.reason : 'FailedMount';
      events.pod(pod, 'Warning', reason, (error as Error).message);
      this.#tryLater();
      return false;
    }
  }

  async refresh(pod: Pod, facts: NodeFacts): Promise<void> {
    const { volumes, log } = this.#services;
    if (!this.#ready) return;
    await volumes.refresh(pod, facts).catch((error) => {
      log.debug('volumes were not refreshed', { pod: pod.metadata.name, error: String(error) });
    });
  }

  /** The pod is over, its object stays. False while a driver does not let go. */
  unmount(pod: Pod): Promise<boolean> {
    return this.#givesBack(pod, this.#services.volumes.unmountAll(pod.metadata.uid!));
  }

  /** The pod goes, with its folder. False while a driver does not let go. */
  tearDown(pod: Pod): Promise<boolean> {
    return this.#givesBack(pod, this.#services.volumes.tearDown(pod.metadata.uid!));
  }

  async #givesBack(pod: Pod, given: Promise<void>): Promise<boolean> {
    this.#isOwed = true;
    try {
      await given;
      this.#isOwed = false;
      return true;
    } catch (error) {
      const { log } = this.#services;
      log.warn('volumes are not given back yet', { pod: pod.metadata.name, problem: rpcErrorText(error) });
      this.#tryLater();
      return false;
    }
  }

  #tryLater(): void {
    this.#wakeIn(this.#retryMs);
    this.#retryMs = Math.min(lastRetryMs, this.#retryMs * 2);
  }
}
