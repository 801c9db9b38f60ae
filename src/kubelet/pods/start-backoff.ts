// Why a container of one pod does not run, and when it may be tried again.
import type { Pod } from '../../../generated/core-v1.ts';
import type { StartFailure } from '../status/container-statuses.ts';
import { goDuration } from './backoff.ts';
import type { StartStep } from './plan.ts';
import type { PodServices } from './pod-services.ts';
import { newestContainer } from './runtime-tracker.ts';

/** A crashing container is spoken of this often. */
const eventEveryMs = 10_000;

export class StartBackoff {
  /** By container name. */
  readonly failures = new Map<string, StartFailure>();
  readonly #services: PodServices;
  /** When a container that failed to start may be tried again. */
  readonly #retryAtMs = new Map<string, number>();
  readonly #saidAtMs = new Map<string, number>();

  constructor(services: PodServices) {
    this.#services = services;
  }

  failed(name: string, { failure, retryAfterMs }: { failure: StartFailure; retryAfterMs: number }): void {
    this.failures.set(name, failure);
    this.#retryAtMs.set(name, this.#services.clock.monotonicMs() + retryAfterMs);
  }

  started(name: string): void {
    this.failures.delete(name);
  }

  /** What failed for want of something may be tried at once. */
  retryNow(): void {
    this.#retryAtMs.clear();
  }

  /** How long the container has to wait, 0 when it need not: it failed to start, or crashed lately. Says so in status and events. */
  waitMs(pod: Pod, { container, kind }: StartStep): number {
    const { restarts, clock, tracker } = this.#services;
    const { name, image = '', resources = {} } = container;
    const retryInMs = (this.#retryAtMs.get(name) ?? 0) - clock.monotonicMs();
    if (retryInMs > 0) return retryInMs;
    const uid = pod.metadata.uid!;
    const last = newestContainer(tracker.stateOf(uid), name);
    if (last?.state !== 'CONTAINER_EXITED' || kind === 'ephemeral') return 0;
    // With another image, or other resources, it is another program: what the last one did does not count against it.
    const key = `${uid}/${name}/${image}/${JSON.stringify(resources)}`;
    const waitMs = restarts.remainingMs(key, last.finishedAtMs, clock.now());
    if (waitMs <= 0) {
      restarts.next(key, last.finishedAtMs);
      return 0;
    }
    const podName = `${pod.metadata.name}_${pod.metadata.namespace}(${uid})`;
    this.#sayBackOff(pod, name, podName);
    const message = `back-off ${goDuration(restarts.delayMs(key))} restarting failed container=${name} pod=${podName}`;
    this.failures.set(name, { reason: 'CrashLoopBackOff', message });
    return waitMs;
  }

  #sayBackOff(pod: Pod, name: string, podName: string): void {
    const { clock, events } = this.#services;
    const now = clock.now();
    if (now - (this.#saidAtMs.get(name) ?? Number.NEGATIVE_INFINITY) <= eventEveryMs) return;
    const text = `Back-off restarting failed container ${name} in pod ${podName}`;
    events.container(pod, name, 'Warning', 'BackOff', text);
    this.#saidAtMs.set(name, now);
  }
}
