// All devices of a node: those of plugins and those of claims, behind what a pod's worker asks.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod, ResourceStatus } from '../../../generated/core-v1.ts';
import { resourceClaimKind, resourceSliceKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { DraManager } from '../dra/dra-manager.ts';
import { onMachine } from '../node/kubelet-root.ts';
import type { Rejection } from '../pods/admission.ts';
import { type ContainerExtras, extrasOf } from './container-extras.ts';
import { DeviceManager, type DeviceManagerOptions } from './device-manager.ts';
import type { PodDevices } from './pod-devices.ts';

export interface NodeDevicesOptions {
  readonly nodeName: string;
  readonly nodeDir: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether the runtime reads the files of the Container Device Interface itself. */
  readonly runtimeHasCdi: boolean;
  /** For figures. */
  readonly observer?: Pick<DeviceManagerOptions, 'onAllocated' | 'onRegistration'>;
  /** Pods that may still need what they have. */
  readonly activePodUids: () => ReadonlySet<string>;
  /** The node has more or fewer devices; called no more than once a second. */
  readonly onCapacity: () => void;
  /** Devices of these pods have become healthy or unhealthy. */
  readonly onHealth: (podUids: ReadonlySet<string>) => void;
}

const capacityPauseMs = 1_000;

export class NodeDevices implements PodDevices {
  readonly plugins: DeviceManager;
  readonly claims: DraManager;
  readonly #options: NodeDevicesOptions;
  #pause: Disposable | undefined;
  #hasNews = false;

  constructor(options: NodeDevicesOptions) {
    this.#options = options;
    const { nodeName, nodeDir, client, clock, log, activePodUids, onHealth } = options;
    this.plugins = new DeviceManager({
      folder: join(nodeDir, 'device-plugins'),
      clock,
      log: log.with({ component: 'devices' }),
      ...options.observer,
      activePodUids,
      onCapacity: () => this.#tellCapacity(),
      onHealth,
    });
    this.claims = new DraManager({
      stateFile: join(nodeDir, 'dra_manager_state'),
      clock,
      log: log.with({ component: 'dra' }),
      claim: (namespace, name) => client.resource(resourceClaimKind).get({ namespace, name }),
      wipeSlices(driver) {
        const fieldSelector = `spec.nodeName=${nodeName}${driver ? `,spec.driver=${driver}` : ''}`;
        return client.resource(resourceSliceKind).deleteCollection({ fieldSelector });
      },
      activePodUids,
      onHealth,
    });
  }

  /** Reads what was given away before; to be called before the first pod. */
  async load(): Promise<void> {
    await mkdir(this.#options.nodeDir, { recursive: true, mode: 0o755 });
    await Promise.all([this.plugins.load(), this.claims.load()]);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.plugins.run(signal), this.claims.run(signal)]);
    this.#pause?.[Symbol.dispose]();
  }

  admit(pod: Pod): Promise<Rejection | undefined> {
    return this.plugins.admit(pod);
  }

  prepare(pod: Pod): Promise<void> {
    return this.claims.prepare(pod);
  }

  unprepare(pod: Pod): Promise<void> {
    return this.claims.unprepare(pod);
  }

  async extrasFor(pod: Pod, container: Container): Promise<ContainerExtras | undefined> {
    const { nodeDir, runtimeHasCdi } = this.#options;
    const claimed = this.claims.cdiDevices(pod, container);
    const responses = await this.plugins.prepareContainer(pod, container);
    if (responses.length === 0 && claimed.length === 0) return undefined;
    const extras = extrasOf(responses, claimed, (path) => onMachine(path, nodeDir));
    if (runtimeHasCdi || extras.cdiDevices.length === 0) return extras;
    const [{ findEdits }, { applyEdits }, { deviceFile }] = await Promise.all([
      import('./cdi/cdi-folders.ts'),
      import('./cdi/apply-edits.ts'),
      import('./cdi/device-file.ts'),
    ]);
    const folder = join(nodeDir, 'cdi-devices');
    return applyEdits(extras, await findEdits(extras.cdiDevices), (node) => deviceFile(node, folder));
  }

  statuses(pod: Pod, container: Container): ResourceStatus[] {
    const given = this.plugins.allocationsOf(pod.metadata.uid!, container.name);
    const ofPlugins = given.map(
      ({ resource, ids }): ResourceStatus => ({
        name: resource,
        resources: [...ids].map((id) => ({
          resourceID: id,
          health: this.plugins.isHealthy(resource, id) ? 'Healthy' : 'Unhealthy',
        })),
      }),
    );
    return [...ofPlugins, ...this.claims.statuses(pod, container)];
  }

  #tellCapacity(): void {
    if (this.#pause) {
      this.#hasNews = true;
      return;
    }
    this.#options.onCapacity();
    this.#pause = this.#options.clock.timer(capacityPauseMs, () => {
      this.#pause = undefined;
      if (!this.#hasNews) return;
      this.#hasNews = false;
      this.#tellCapacity();
    });
  }
}
