// The device plugins of this node: they announce themselves at `kubelet.sock`, and are listened to until they are gone.
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { GrpcError } from '../../base/grpc.ts';
import type { Logger } from '../../base/log.ts';
import { untilAborted } from '../../base/signals.ts';
import { serveUnix } from '../grpc/unix-server.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import { DevicePlugin } from './device-plugin.ts';
import { type Device, deviceRegistrationService } from './device-proto.ts';

export interface PluginRegistryOptions {
  /** `NODE/device-plugins`. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Somebody announced devices of this name. */
  readonly onRegistration?: (resource: string) => void;
  /** What a resource has changed, from these devices. */
  readonly onChange: (resource: string, before: ReadonlyMap<string, Device>) => void;
}

/** Plugins of one node, with those that went less than five minutes ago. */
const maxPlugins = 256;

export class PluginRegistry {
  readonly #options: PluginRegistryOptions;
  readonly #plugins = new Map<string, DevicePlugin>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: PluginRegistryOptions) {
    this.#options = options;
  }

  plugins(): Iterable<DevicePlugin> {
    return this.#plugins.values();
  }

  find(resource: string): DevicePlugin | undefined {
    return this.#plugins.get(resource);
  }

  /** Announced before the agent started; none of its devices is there until its plugin is back. */
  expect(resource: string): void {
    if (!this.#plugins.has(resource)) this.#plugins.set(resource, new DevicePlugin(resource, this.#options.clock));
  }

  forget(resource: string): void {
    this.#plugins.delete(resource);
  }

  /** Serves until the signal. Sockets of before are removed: plugins take that as the sign to announce themselves again. */
  async run(signal: AbortSignal): Promise<void> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o750 });
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if ((await lstat(path)).isSocket()) await rm(path, { force: true });
    }
    await using _ = await serveUnix({
      socketPath: join(folder, 'kubelet.sock'),
      services: [
        { service: deviceRegistrationService, unary: { Register: (request) => this.#register(request, signal) } },
      ],
    });
    await untilAborted(signal);
    for (const plugin of this.#plugins.values()) plugin.stop();
    await Promise.all(this.#running);
  }

  async #register(
    { version, endpoint, resourceName }: { version: string; endpoint: string; resourceName: string },
    signal: AbortSignal,
  ): Promise<object> {
    const { folder, clock, log, onChange } = this.#options;
    if (version !== 'v1beta1')
      throw new GrpcError(
        `requested API version ${JSON.stringify(version)} is not supported by kubelet. Supported version is ["v1beta1"]`,
      );
    if (!isExtendedResource(resourceName))
      throw new GrpcError(`the ResourceName ${JSON.stringify(resourceName)} is invalid`);
    if (endpoint === '' || basename(endpoint) !== endpoint || endpoint === '..')
      throw new GrpcError(`the endpoint ${JSON.stringify(endpoint)} is invalid: it names a socket beside this one`);
    if (this.#plugins.size >= maxPlugins && !this.#plugins.has(resourceName))
      throw new GrpcError(`there are ${maxPlugins} device plugins already`);
    const plugin = new DevicePlugin(resourceName, clock, join(folder, endpoint));
    try {
      await plugin.connect();
    } catch (error) {
      plugin.stop();
      log.warn('a device plugin announced itself, but does not answer', { resource: resourceName, endpoint });
      throw new GrpcError(`failed to dial device plugin: ${rpcErrorText(error)}`);
    }
    this.#options.onRegistration?.(resourceName);
    const before = this.#plugins.get(resourceName);
    before?.stop();
    this.#plugins.set(resourceName, plugin);
    log.info('device plugin connected', { resource: resourceName, endpoint });
    const running = this.#follow(plugin, signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
    onChange(resourceName, before?.devices ?? new Map());
    return {};
  }

  async #follow(plugin: DevicePlugin, signal: AbortSignal): Promise<void> {
    const { log, onChange } = this.#options;
    let before = plugin.devices;
    const why = await plugin.follow(() => {
      onChange(plugin.resource, before);
      before = plugin.devices;
    });
    if (signal.aborted) return;
    log.warn('device plugin is gone', { resource: plugin.resource, problem: why });
    onChange(plugin.resource, before);
  }
}

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const name = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** `DOMAIN/NAME`, with room for quota's `requests.` before it, and not one of Kubernetes' own. */
export function isExtendedResource(resource: string): boolean {
  const [domain = '', part = '', ...rest] = resource.split('/');
  if (rest.length > 0 || resource.includes('kubernetes.io/') || resource.startsWith('requests.')) return false;
  const isDomain =
    domain.length > 0 &&
    domain.length <= 253 - 'requests.'.length &&
    domain.split('.').every((each) => label.test(each));
  return isDomain && part.length <= 63 && name.test(part);
}
