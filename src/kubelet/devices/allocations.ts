// Which devices which container has. Written to disk before a pod starts: a restarted agent must not give them twice.
import type { DeviceResponse } from './device-proto.ts';

export interface Allocation {
  readonly podUid: string;
  readonly container: string;
  readonly resource: string;
  readonly ids: ReadonlySet<string>;
  /** Devices by NUMA node; those that name none are under -1. */
  readonly byNumaNode: ReadonlyMap<number, readonly string[]>;
  readonly response: DeviceResponse;
}

export class Allocations {
  /** By pod, then by `CONTAINER RESOURCE`. */
  readonly #byPod = new Map<string, Map<string, Allocation>>();
  /** Chosen, but the plugin has not answered yet; by resource. */
  readonly #reserved = new Map<string, Set<string>>();

  find(podUid: string, container: string, resource: string): Allocation | undefined {
    return this.#byPod.get(podUid)?.get(`${container} ${resource}`);
  }

  ofContainer(podUid: string, container: string): Allocation[] {
    return this.ofPod(podUid).filter((each) => each.container === container);
  }

  ofPod(podUid: string): Allocation[] {
    return [...(this.#byPod.get(podUid)?.values() ?? [])];
  }

  all(): Allocation[] {
    return [...this.#byPod.values()].flatMap((each) => [...each.values()]);
  }

  podUids(): string[] {
    return [...this.#byPod.keys()];
  }

  add(allocation: Allocation): void {
    const { podUid, container, resource } = allocation;
    const ofPod = this.#byPod.get(podUid);
    const key = `${container} ${resource}`;
    if (ofPod) ofPod.set(key, allocation);
    else this.#byPod.set(podUid, new Map([[key, allocation]]));
  }

  /** Whether there was anything to remove. */
  removePod(podUid: string): boolean {
    return this.#byPod.delete(podUid);
  }

  reserve(resource: string, ids: Iterable<string>): Disposable {
    const reserved = this.#reserved.get(resource) ?? new Set();
    this.#reserved.set(resource, reserved);
    const mine = [...ids].filter((id) => !reserved.has(id));
    for (const id of mine) reserved.add(id);
    return {
      [Symbol.dispose]: () => {
        for (const id of mine) reserved.delete(id);
      },
    };
  }

  /** Devices of a resource that are given away, or about to be. */
  inUse(resource: string): Set<string> {
    const used = new Set(this.#reserved.get(resource));
    for (const allocation of this.all())
      if (allocation.resource === resource) for (const id of allocation.ids) used.add(id);
    return used;
  }

  hasResource(resource: string): boolean {
    return this.all().some((each) => each.resource === resource);
  }
}
