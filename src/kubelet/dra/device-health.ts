// What drivers say of the health of their devices. It grows stale: a device of which nothing is heard is not known to be well.
import type { Clock } from '../../base/clock.ts';
import type { GrpcMessage } from '../grpc/proto.ts';

export interface DeviceHealth {
  readonly health: 'Healthy' | 'Unhealthy' | 'Unknown';
  /** '' when there is nothing to say. */
  readonly message: string;
}

interface Heard extends DeviceHealth {
  readonly atMs: number;
  readonly timeoutMs: number;
}

const defaultTimeoutMs = 30_000;
const maxMessage = 1_024;
/** Of one driver. */
const maxDevices = 65_536;
const words: Readonly<Record<string, DeviceHealth['health']>> = { HEALTHY: 'Healthy', UNHEALTHY: 'Unhealthy' };
const unknown: DeviceHealth = { health: 'Unknown', message: '' };

export class DeviceHealthCache {
  readonly #clock: Clock;
  readonly #byDriver = new Map<string, Map<string, Heard>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(driver: string, pool: string, device: string): DeviceHealth {
    const heard = this.#byDriver.get(driver)?.get(`${pool}/${device}`);
    if (!heard || this.#clock.monotonicMs() - heard.atMs > heard.timeoutMs) return unknown;
    return heard;
  }

  /** @returns those, as `POOL/DEVICE`, whose health differs from before */
  update(driver: string, devices: readonly GrpcMessage[]): Set<string> {
    const known = this.#byDriver.get(driver) ?? new Map<string, Heard>();
    this.#byDriver.set(driver, known);
    const changed = new Set<string>();
    for (const { device, health, healthCheckTimeoutSeconds, message } of devices) {
      if (!device) continue;
      const key = `${device.poolName}/${device.deviceName}`;
      const before = this.of(driver, device.poolName, device.deviceName);
      if (!known.has(key) && known.size >= maxDevices) continue;
      const seconds = Number(healthCheckTimeoutSeconds);
      const heard = {
        health: words[health] ?? 'Unknown',
        message: message.length <= maxMessage ? message : `${message.slice(0, maxMessage - 3)}...`,
        atMs: this.#clock.monotonicMs(),
        timeoutMs: seconds > 0 ? seconds * 1000 : defaultTimeoutMs,
      } as const;
      known.set(key, heard);
      if (before.health !== heard.health || before.message !== heard.message) changed.add(key);
    }
    return changed;
  }

  forget(driver: string): boolean {
    return this.#byDriver.delete(driver);
  }
}
