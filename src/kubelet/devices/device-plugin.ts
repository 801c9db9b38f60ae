// One device plugin: the connection to it, the devices it tells of.
import type { Clock } from '../../base/clock.ts';
import type { GrpcMessage } from '../grpc/proto.ts';
import { connectUnix, type GrpcClient } from '../grpc/unix-client.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import { type Device, type DeviceResponse, devicePluginService } from './device-proto.ts';

const dialMs = 10_000;
const optionsMs = 10_000;
const preferenceMs = 10_000;
const allocateMs = 60_000;
const preStartMs = 30_000;
/** How long a resource stays announced without its plugin: it may just be starting anew. */
const graceMs = 300_000;
/** A plugin that tells of more is cut to this: each device is kept in memory, and names are sorted for every pod. */
const maxDevices = 65_536;

export class DevicePlugin {
  readonly resource: string;
  readonly #client: GrpcClient | undefined;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #stoppedAtMs: number | undefined;
  #devices = new Map<string, Device>();
  #wantsPreStart = false;
  #hasPreferences = false;

  /** @param socketPath absent for one that is known from before the agent started, and has not come back yet */
  constructor(resource: string, clock: Clock, socketPath?: string) {
    this.resource = resource;
    this.#clock = clock;
    if (socketPath) this.#client = connectUnix(socketPath, devicePluginService);
    else this.#stoppedAtMs = clock.monotonicMs();
  }

  get devices(): ReadonlyMap<string, Device> {
    return this.#devices;
  }

  get isConnected(): boolean {
    return this.#stoppedAtMs === undefined;
  }

  get wantsPreStart(): boolean {
    return this.#wantsPreStart;
  }

  /** Nobody expects it back. */
  get isForgotten(): boolean {
    return this.#stoppedAtMs !== undefined && this.#clock.monotonicMs() - this.#stoppedAtMs > graceMs;
  }

  /** When it will be forgotten; undefined while it is connected. */
  get forgottenAtMs(): number | undefined {
    return this.#stoppedAtMs === undefined ? undefined : this.#stoppedAtMs + graceMs;
  }

  healthyIds(): string[] {
    return this.isConnected ? [...this.#devices.values()].filter(isHealthy).map(({ id }) => id) : [];
  }

  /** @throws when it does not answer */
  async connect(): Promise<void> {
    await this.#client!.connect(dialMs, this.#stop.signal);
    const options = await this.#client!.call('GetDevicePluginOptions', {}, { timeoutMs: optionsMs });
    this.#wantsPreStart = options.preStartRequired;
    this.#hasPreferences = options.getPreferredAllocationAvailable;
  }

  /** Until the plugin is gone or `stop` is called. @returns why */
  async follow(onDevices: () => void): Promise<string> {
    const take = (message: GrpcMessage): void => {
      this.#devices = devicesOf(message);
      onDevices();
    };
    try {
      await this.#client!.stream(devicePluginService, 'ListAndWatch', {}, take, this.#stop.signal);
      return 'the plugin ended its list of devices';
    } catch (error) {
      return (error as Error).message;
    } finally {
      this.#stoppedAtMs ??= this.#clock.monotonicMs();
      this.#client!.close();
    }
  }

  stop(): void {
    this.#stoppedAtMs ??= this.#clock.monotonicMs();
    this.#stop.abort();
    this.#client?.close();
  }

  /** The plugin's wish; empty when it has none. */
  async preferred(available: Iterable<string>, mustInclude: Iterable<string>, size: number): Promise<string[]> {
    if (!this.#hasPreferences || !this.#client) return [];
    const request = {
      availableDeviceIDs: [...available],
      mustIncludeDeviceIDs: [...mustInclude],
      allocationSize: size,
    };
    try {
      const message = { containerRequests: [request] };
      const answer = await this.#client.call('GetPreferredAllocation', message, { timeoutMs: preferenceMs });
      return answer.containerResponses[0]?.deviceIDs ?? [];
    } catch (error) {
      throw new Error(`device plugin GetPreferredAllocation rpc failed with err: ${rpcErrorText(error)}`);
    }
  }

  async allocate(ids: Iterable<string>): Promise<DeviceResponse> {
    if (!this.isConnected || !this.#client) throw new Error(`endpoint ${this.resource} has been stopped`);
    const message = { containerRequests: [{ devicesIds: [...ids] }] };
    const answer = await this.#client.call('Allocate', message, { timeoutMs: allocateMs });
    const [response] = answer.containerResponses;
    if (!response) throw new Error('no containers return in allocation response');
    return response;
  }

  async preStart(ids: Iterable<string>): Promise<void> {
    try {
      if (!this.isConnected || !this.#client) throw new Error(`endpoint ${this.resource} has been stopped`);
      await this.#client.call('PreStartContainer', { devicesIds: [...ids] }, { timeoutMs: preStartMs });
    } catch (error) {
      throw new Error(`device plugin PreStartContainer rpc failed with err: ${rpcErrorText(error)}`);
    }
  }
}

export const isHealthy = ({ health }: Device): boolean => health === 'Healthy';

function devicesOf(message: GrpcMessage): Map<string, Device> {
  const devices = new Map<string, Device>();
  for (const { ID, health, topology } of message.devices) {
    if (devices.size >= maxDevices) break;
    const numaNodes = (topology?.nodes ?? []).map((node: GrpcMessage) => Number(node.ID));
    devices.set(ID, { id: ID, health, numaNodes });
  }
  return devices;
}
