// The probes of one pod: each running container has its own, and no other.
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { ContainerProbes } from '../probes/container-probes.ts';
import { containerSpec } from './kill-containers.ts';
import type { PodServices } from './pod-services.ts';

export class ProbeSet {
  readonly #services: PodServices;
  readonly #onChange: () => void;
  readonly #byContainer = new Map<string, ContainerProbes>();
  #pod: Pod | undefined;

  /** @param onChange called when a container became ready or started, or failed its probe */
  constructor(services: PodServices, onChange: () => void) {
    this.#services = services;
    this.#onChange = onChange;
  }

  of(containerId: string): ContainerProbes | undefined {
    return this.#byContainer.get(containerId);
  }

  /** Begins probing what runs now and was not probed, and ends probing what no longer runs. */
  follow(pod: Pod): void {
    this.#pod = pod;
    const { tracker, runtime, events, clock, hostIPs, probe } = this.#services;
    const uid = pod.metadata.uid!;
    const running = new Set<string>();
    for (const record of tracker.stateOf(uid).containers) {
      if (record.state !== 'CONTAINER_RUNNING') continue;
      running.add(record.id);
      if (this.#byContainer.has(record.id)) continue;
      const container: Container = containerSpec(pod, record.name) ?? { name: record.name };
      const old = statusOf(pod, record.id);
      this.#byContainer.set(
        record.id,
        new ContainerProbes({
          // Not the pod itself: an old state of it would be kept as long as the container runs.
          pod: () => this.#pod!,
          container,
          containerId: record.id,
          startedAtMs: record.startedAtMs,
          podIP: () => tracker.stateOf(uid).sandboxes[0]?.ips[0] ?? hostIPs[0] ?? '',
          runtime,
          events,
          clock,
          probe,
          readyDelayMs: this.#services.readyDelayMs?.(pod, container.name, record.restartCount) ?? 0,
          wasReady: old?.ready === true,
          wasStarted: old?.started === true,
          onChange: this.#onChange,
        }),
      );
    }
    for (const [id, probes] of this.#byContainer) {
      if (running.has(id)) continue;
      probes.stop();
      this.#byContainer.delete(id);
    }
  }

  stop(): void {
    for (const probes of this.#byContainer.values()) probes.stop();
  }

  /** Readiness is still told while the pod ends; nothing is killed for failing any more. */
  stopKilling(): void {
    for (const probes of this.#byContainer.values()) probes.stopKilling();
  }
}

function statusOf(pod: Pod, containerId: string) {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses].find((each) =>
    each.containerID?.endsWith(`//${containerId}`),
  );
}
