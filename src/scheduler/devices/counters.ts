// Counters that the devices of a pool draw on: parts of one card cannot all be given away at once.
import type { Device, DeviceCounterConsumption } from '../../../generated/resource-v1.ts';
import { quantityOf } from '../../api/meta/quantity.ts';
import { type AllocatedDevices, deviceId } from './allocated.ts';
import type { Pool } from './pools.ts';

const nanosOf = (value: unknown) => quantityOf(value as string).nanos;

/** What is left in one pool, for one attempt. */
export class Counters {
  /** `set/counter` → nanos. Names of both are labels, without slashes. */
  readonly #left = new Map<string, bigint>();

  constructor(pool: Pool, allocated: AllocatedDevices) {
    for (const { name, counters } of pool.counterSets.values()) {
      for (const [counter, { value }] of Object.entries(counters)) this.#left.set(`${name}/${counter}`, nanosOf(value));
    }
    for (const { spec } of [...pool.slices, ...pool.otherSlices]) {
      for (const device of spec.devices ?? []) {
        const isTaken = device.consumesCounters && allocated.has(deviceId(pool.driver, pool.name, device.name));
        if (isTaken) this.#move(device.consumesCounters!, -1n);
      }
    }
  }

  /** False: there is not enough; nothing was taken then. */
  take({ consumesCounters = [] }: Device): boolean {
    this.#move(consumesCounters, -1n);
    for (const left of this.#left.values()) {
      if (left >= 0n) continue;
      this.#move(consumesCounters, 1n);
      return false;
    }
    return true;
  }

  giveBack({ consumesCounters = [] }: Device): void {
    this.#move(consumesCounters, 1n);
  }

  #move(consumptions: readonly DeviceCounterConsumption[], sign: 1n | -1n): void {
    for (const { counterSet, counters } of consumptions) {
      for (const [counter, { value }] of Object.entries(counters)) {
        const key = `${counterSet}/${counter}`;
        const left = this.#left.get(key);
        if (left !== undefined) this.#left.set(key, left + sign * nanosOf(value));
      }
    }
  }
}
