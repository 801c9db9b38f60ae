// The drivers that have announced themselves on this node.
import type { CSIDriver } from '../../../generated/storage-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Informer } from '../../reconcile/informer.ts';
import type { PluginHandler, PluginInfo } from '../plugin-registration/plugin-handler.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import { csiMessage } from './csi-error.ts';
import type { CsiMetrics } from './csi-metrics.ts';
import { compareVersions, highestVersion } from './driver-version.ts';
import type { NodeClient } from './node-client.ts';
import type { NodeRecord } from './node-record.ts';

export interface CsiDriversOptions {
  readonly record: Pick<NodeRecord, 'install' | 'uninstall' | 'update'>;
  /** What the cluster knows of drivers. */
  readonly objects: Informer<CSIDriver>;
  readonly metrics: CsiMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Registered {
  readonly version: string;
  readonly client: NodeClient;
  /** When the driver is next asked how many volumes fit. */
  updatesAtMs: number;
}

export class CsiDrivers implements PluginHandler {
  readonly type = 'CSIPlugin';
  readonly #options: CsiDriversOptions;
  readonly #drivers = new Map<string, Registered>();

  constructor(options: CsiDriversOptions) {
    this.#options = options;
  }

  /** @throws Error when it has not announced itself */
  client(name: string): NodeClient {
    const driver = this.#drivers.get(name);
    if (!driver) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    return driver.client;
  }

  has(name: string): boolean {
    return this.#drivers.has(name);
  }

  async register(plugin: PluginInfo): Promise<void> {
    const { metrics, clock, record } = this.#options;
    const { name, endpoint } = plugin;
    const version = this.#validated(plugin);
    const { NodeClient } = await import('./node-client.ts');
    const client = new NodeClient({ driver: name, endpoint, metrics, clock });
    this.#drivers.set(name, { version, client, updatesAtMs: clock.monotonicMs() + this.#updatePeriodMs(name) });
    try {
      await record.install(name, await client.info());
    } catch (error) {
      await this.deregister(plugin);
      throw new Error(rpcErrorText(error), { cause: error });
    }
  }

  async deregister({ name }: Pick<PluginInfo, 'name'>): Promise<void> {
    const { record, log } = this.#options;
    this.#drivers.delete(name);
    await record
      .uninstall(name)
      .catch((error) => log.warn('a CSI driver still stands in the records', { driver: name, problem: String(error) }));
  }

  /** Asks a driver again how many volumes fit. */
  async update(name: string): Promise<void> {
    const driver = this.#drivers.get(name);
    if (driver) await this.#options.record.update(name, await driver.client.info());
  }

  /** Asks those whose time has come, as `nodeAllocatableUpdatePeriodSeconds` says. */
  async updateDue(): Promise<void> {
    const { clock, log } = this.#options;
    for (const [name, driver] of this.#drivers) {
      const now = clock.monotonicMs();
      const periodMs = this.#updatePeriodMs(name);
      if (periodMs === Number.POSITIVE_INFINITY) continue;
      driver.updatesAtMs = Math.min(driver.updatesAtMs, now + periodMs);
      if (driver.updatesAtMs > now) continue;
      driver.updatesAtMs = now + periodMs;
      await this.update(name).catch((error) =>
        log.warn('a CSI driver did not say how many volumes fit', { driver: name, problem: rpcErrorText(error) }),
      );
    }
  }

  #updatePeriodMs(name: string): number {
    const seconds = this.#options.objects.find(name)?.spec.nodeAllocatableUpdatePeriodSeconds;
    return seconds ? seconds * 1000 : Number.POSITIVE_INFINITY;
  }

  #validated({ name, supportedVersions }: PluginInfo): string {
    const refuse = (why: string): never => {
      throw new Error(csiMessage(`ValidatePlugin for CSI driver "${name}" failed. ${why}`));
    };
    if (supportedVersions.length === 0) refuse('Plugin returned an empty list for supported versions');
    let version: string;
    try {
      version = highestVersion(supportedVersions);
    } catch (error) {
      const versions = `[${supportedVersions.map((each) => JSON.stringify(each)).join(' ')}]`;
      return refuse(`None of the versions specified ${versions} are supported. err=${(error as Error).message}`);
    }
    const known = this.#drivers.get(name);
    if (known && compareVersions(known.version, version) >= 0)
      refuse(
        `Another driver with the same name is already registered with a higher supported version: "${known.version}"`,
      );
    return version;
  }
}
