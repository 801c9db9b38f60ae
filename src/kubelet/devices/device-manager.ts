// Devices of plugins: what the node has of them, who has which, what their containers get.
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { Quantity } from '../../api/meta/quantity.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { DeviceCounts } from '../node/node-status.ts';
import type { Rejection } from '../pods/admission.ts';
import { isSidecar } from '../resources.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import { type Allocation, Allocations } from './allocations.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { chooseDevices } from './choose-devices.ts';
import { type DevicePlugin, isHealthy } from './device-plugin.ts';
import type { Device, DeviceResponse } from './device-proto.ts';
import { PluginRegistry } from './plugin-registry.ts';

export interface DeviceManagerOptions {
  /** `NODE/device-plugins`. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Pods that may still need what they have. */
  readonly activePodUids: () => ReadonlySet<string>;
  /** The node has more or fewer devices. */
  readonly onCapacity: () => void;
  /** For figures: a plugin took so long to give devices. */
  readonly onAllocated?: (resource: string, tookMs: number) => void;
  /** For figures. */
  readonly onRegistration?: (resource: string) => void;
  /** Devices of these pods have become healthy or unhealthy. */
  readonly onHealth: (podUids: ReadonlySet<string>) => void;
}

export class DeviceManager {
  readonly #options: DeviceManagerOptions;
  readonly #allocations = new Allocations();
  readonly #plugins: PluginRegistry;
  /** Choosing takes turns, for each resource: two must not be given one device. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #writing: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  /** Once announced, no longer there: the node says that it has none. */
  readonly #gone = new Set<string>();

  constructor(options: DeviceManagerOptions) {
    this.#options = options;
    const { folder, clock, log, onRegistration } = options;
    const counted = onRegistration ? { onRegistration } : {};
    this.#plugins = new PluginRegistry({
      folder,
      clock,
      log,
      ...counted,
      onChange: (...news) => this.#changed(...news),
    });
  }

  /** Reads what was given away before; to be called before the first pod is admitted. */
  async load(): Promise<void> {
    const { folder, log } = this.#options;
    const { allocations, resources, problem } = await readCheckpoint(folder);
    if (problem) log.warn('which devices were given away is not known', { problem });
    for (const allocation of allocations) this.#allocations.add(allocation);
    for (const resource of resources) this.#plugins.expect(resource);
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#plugins.run(signal);
    await this.#writing;
  }

  /** For the node's status. Resources whose plugin is gone for good are 0. */
  counts(): DeviceCounts {
    const capacity: Record<string, string> = {};
    const allocatable: Record<string, string> = {};
    for (const plugin of [...this.#plugins.plugins()]) {
      if (plugin.isForgotten) {
        this.#plugins.forget(plugin.resource);
        this.#gone.add(plugin.resource);
        void this.#save();
        continue;
      }
      capacity[plugin.resource] = String(plugin.devices.size);
      allocatable[plugin.resource] = String(plugin.healthyIds().length);
    }
    for (const resource of this.#gone) if (!capacity[resource]) capacity[resource] = allocatable[resource] = '0';
    return { capacity, allocatable };
  }

  hasResource(resource: string): boolean {
    return this.#plugins.find(resource) !== undefined || this.#allocations.hasResource(resource);
  }

  /** Gives a pod that is about to start all its devices; says why when that is not possible. */
  async admit(pod: Pod): Promise<Rejection | undefined> {
    const wanted = wishesOf(pod).filter(({ resource }) => this.hasResource(resource));
    if (wanted.length === 0) return undefined;
    try {
      await this.#allocate(pod, wanted);
      return undefined;
    } catch (error) {
      const message = `Allocate failed due to ${rpcErrorText(error)}, which is unexpected`;
      return { reason: 'UnexpectedAdmissionError', message };
    }
  }

  /** What the container gets, once each of its plugins has made its devices ready. @throws */
  async prepareContainer(pod: Pod, container: Container): Promise<DeviceResponse[]> {
    const uid = pod.metadata.uid!;
    const wanted = wishesOf(pod).filter((each) => each.container === container && this.hasResource(each.resource));
    if (wanted.some(({ resource }) => !this.#allocations.find(uid, container.name, resource)))
      await this.#allocate(pod, wanted);
    for (const { resource } of wanted) {
      const plugin = this.#plugins.find(resource);
      if (!plugin) throw new Error(`endpoint not found in cache for a registered resource: ${resource}`);
      const allocation = this.#allocations.find(uid, container.name, resource);
      if (plugin.wantsPreStart && allocation) await plugin.preStart(allocation.ids);
    }
    return this.#allocations.ofContainer(uid, container.name).map(({ response }) => response);
  }

  allocationsOf(podUid: string, container: string): Allocation[] {
    return this.#allocations.ofContainer(podUid, container);
  }

  /** Undefined when no plugin tells of it now. */
  device(resource: string, id: string): Device | undefined {
    return this.#plugins.find(resource)?.devices.get(id);
  }

  /** Healthy devices by resource. */
  healthyDevices(): Map<string, Device[]> {
    return new Map(
      [...this.#plugins.plugins()].map(({ resource, isConnected, devices }) => [
        resource,
        isConnected ? [...devices.values()].filter(isHealthy) : [],
      ]),
    );
  }

  /** As the pod's status has it. A device of which nothing is known any more counts as it was told last. */
  isHealthy(resource: string, id: string): boolean {
    const device = this.device(resource, id);
    return !device || isHealthy(device);
  }

  async #allocate(pod: Pod, wanted: readonly DeviceWish[]): Promise<void> {
    // Not before the others that are here have been seen, when the agent has just started.
    await Promise.resolve();
    this.#release();
    const reusable = new Map<string, Set<string>>();
    for (const wish of wanted) {
      const spare = reusable.get(wish.resource) ?? new Set<string>();
      reusable.set(wish.resource, spare);
      const ids = await this.#inTurn(wish.resource, () => this.#give(pod, wish, spare));
      for (const id of ids) {
        if (wish.isHandedOn) spare.add(id);
        else spare.delete(id);
      }
    }
    await this.#save();
  }

  async #give(pod: Pod, wish: DeviceWish, reusable: ReadonlySet<string>): Promise<Iterable<string>> {
    const { resource, count } = wish;
    const podUid = pod.metadata.uid!;
    const had = this.#allocations.find(podUid, wish.container.name, resource);
    if (had && had.ids.size !== count)
      throw new Error(
        `pod ${JSON.stringify(podUid)} container ${JSON.stringify(wish.container.name)} changed request for resource ${JSON.stringify(resource)} from ${had.ids.size} to ${count}`,
      );
    const plugin = this.#plugins.find(resource);
    if (!plugin) throw new Error(`cannot allocate unregistered device ${resource}`);
    const healthy = plugin.healthyIds();
    if (healthy.length === 0)
      throw new Error(`no healthy devices present; cannot allocate unhealthy devices ${resource}`);
    if (had) {
      const isStillHealthy = new Set(healthy).isSupersetOf(had.ids);
      if (isStillHealthy) return had.ids;
      throw new Error(
        `previously allocated devices are no longer healthy; cannot allocate unhealthy devices ${resource}`,
      );
    }
    const ids = await this.#choose(plugin, healthy, wish, reusable);
    using _ = this.#allocations.reserve(resource, ids);
    const { clock, onAllocated } = this.#options;
    const begunMs = clock.monotonicMs();
    const response = await plugin.allocate(ids).finally(() => onAllocated?.(resource, clock.monotonicMs() - begunMs));
    const byNumaNode = numaNodesOf(plugin, ids);
    this.#allocations.add({ podUid, container: wish.container.name, resource, ids, byNumaNode, response });
    return ids;
  }

  async #choose(
    plugin: DevicePlugin,
    healthy: readonly string[],
    { resource, count }: DeviceWish,
    reusable: ReadonlySet<string>,
  ): Promise<Set<string>> {
    const available = new Set(healthy).difference(this.#allocations.inUse(resource));
    const fromOthers = Math.max(0, count - reusable.size);
    if (available.size < fromOthers)
      throw new Error(
        `requested number of devices unavailable for ${resource}. Requested: ${fromOthers}, Available: ${available.size}`,
      );
    const mustInclude = [...reusable].slice(0, count);
    const isOpen = fromOthers > 0 && fromOthers < available.size;
    const preferred = isOpen ? await plugin.preferred([...mustInclude, ...available], mustInclude, count) : [];
    return chooseDevices({ available, reusable, preferred, count });
  }

  #inTurn<T>(resource: string, action: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(resource) ?? Promise.resolve()).then(action);
    this.#turns.set(
      resource,
      turn.catch(() => undefined),
    );
    return turn;
  }

  /** Takes back what pods have that are not here any more. */
  #release(): void {
    const active = this.#options.activePodUids();
    for (const uid of this.#allocations.podUids()) if (!active.has(uid)) this.#allocations.removePod(uid);
  }

  #changed(resource: string, before: ReadonlyMap<string, Device>): void {
    this.#gone.delete(resource);
    const now = this.#plugins.find(resource)?.devices;
    const touched = new Set<string>();
    for (const { podUid, resource: given, ids } of this.#allocations.all())
      if (given === resource && [...ids].some((id) => now?.get(id)?.health !== before.get(id)?.health))
        touched.add(podUid);
    void this.#save();
    this.#options.onCapacity();
    if (touched.size > 0) this.#options.onHealth(touched);
  }

  /** One write at a time, of what is true when it begins; settles when what is true now is on disk. */
  #save(): Promise<void> {
    this.#queued ??= this.#writing.then(() => {
      this.#queued = undefined;
      return this.#write();
    });
    this.#writing = this.#queued;
    return this.#queued;
  }

  async #write(): Promise<void> {
    const { folder, log } = this.#options;
    const registered = new Map([...this.#plugins.plugins()].map((each) => [each.resource, each.healthyIds()]));
    await writeCheckpoint(folder, this.#allocations.all(), registered).catch((error) =>
      log.warn('which devices are given away was not written', { problem: String(error) }),
    );
  }
}

interface DeviceWish {
  readonly container: Container;
  readonly resource: string;
  readonly count: number;
  /** Its container ends before the others start, and they may have the same devices. */
  readonly isHandedOn: boolean;
}

/** In the order in which containers start. Extended resources can not be asked for beyond their limit, so limits tell. */
function wishesOf({ spec, status }: Pod): DeviceWish[] {
  const claimed = status?.extendedResourceClaimStatus?.requestMappings ?? [];
  const init = (spec.initContainers ?? []).map((container) => ({ container, isHandedOn: !isSidecar(container) }));
  const all = [...init, ...spec.containers.map((container) => ({ container, isHandedOn: false }))];
  return all.flatMap(({ container, isHandedOn }) =>
    Object.entries(container.resources?.limits ?? {}).flatMap(([resource, quantity]) => {
      const isOfClaim = claimed.some((each) => each.containerName === container.name && each.resourceName === resource);
      const count = isOfClaim || !resource.includes('/') ? 0 : Number(Quantity.parse(quantity).units);
      return count > 0 ? [{ container, resource, count, isHandedOn }] : [];
    }),
  );
}

const withoutTopology = -1;

function numaNodesOf(plugin: DevicePlugin, ids: Iterable<string>): Map<number, string[]> {
  const byNode = new Map<number, string[]>();
  for (const id of ids) {
    const nodes = plugin.devices.get(id)?.numaNodes ?? [];
    for (const node of nodes.length > 0 ? nodes : [withoutTopology])
      byNode.set(node, [...(byNode.get(node) ?? []), id]);
  }
  return byNode;
}
