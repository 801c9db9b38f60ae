// Which devices are given away, by all claims together; kept up to date claim by claim.
import type { AllocationResult } from '../../../generated/resource-v1.ts';
import { Quantity, quantityOf } from '../../api/meta/quantity.ts';
import type { Consumption } from './capacity.ts';

/** `driver/pool/device`: pools may have slashes in their names, drivers and devices may not. */
export const deviceId = (driver: string, pool: string, device: string) => `${driver}/${pool}/${device}`;

interface Share {
  readonly id: string;
  readonly consumed: Consumption;
}

interface Holding {
  readonly whole: readonly string[];
  readonly shares: readonly Share[];
}

/** Devices that admins look into are not held. */
function holdingOf({ devices }: AllocationResult): Holding {
  const whole: string[] = [];
  const shares: Share[] = [];
  for (const { driver, pool, device, adminAccess, shareID, consumedCapacity } of devices?.results ?? []) {
    if (adminAccess) continue;
    const id = deviceId(driver, pool, device);
    if (shareID === undefined) whole.push(id);
    else {
      const amounts = Object.entries(consumedCapacity ?? {});
      shares.push({ id, consumed: new Map(amounts.map(([name, amount]) => [name, quantityOf(String(amount))])) });
    }
  }
  return { whole, shares };
}

export class AllocatedDevices {
  readonly #byClaim = new Map<string, { allocation: AllocationResult; holding: Holding }>();
  readonly #whole = new Map<string, number>();
  readonly #shared = new Map<string, { shares: number; consumed: Map<string, Quantity> }>();

  /** What the claim holds now. `uid` of the claim; undefined: nothing. */
  set(uid: string, allocation: AllocationResult | undefined): void {
    const known = this.#byClaim.get(uid);
    if (known?.allocation === allocation) return;
    if (known) this.#count(known.holding, -1);
    if (!allocation) {
      this.#byClaim.delete(uid);
      return;
    }
    const holding = holdingOf(allocation);
    this.#byClaim.set(uid, { allocation, holding });
    this.#count(holding, 1);
  }

  /** Somebody has it for themselves. */
  hasWhole(id: string): boolean {
    return this.#whole.has(id);
  }

  /** What those take who share it; undefined: nobody does. */
  consumedOf(id: string): Consumption | undefined {
    return this.#shared.get(id)?.consumed;
  }

  has(id: string): boolean {
    return this.#whole.has(id) || this.#shared.has(id);
  }

  #count({ whole, shares }: Holding, sign: 1 | -1): void {
    for (const id of whole) {
      const count = (this.#whole.get(id) ?? 0) + sign;
      if (count > 0) this.#whole.set(id, count);
      else this.#whole.delete(id);
    }
    for (const { id, consumed } of shares) this.#countShare(id, consumed, sign);
  }

  #countShare(id: string, consumed: Consumption, sign: 1 | -1): void {
    const entry = this.#shared.get(id) ?? { shares: 0, consumed: new Map<string, Quantity>() };
    this.#shared.set(id, entry);
    entry.shares += sign;
    for (const [name, amount] of consumed) {
      const sum = entry.consumed.get(name) ?? Quantity.zero;
      entry.consumed.set(name, sign > 0 ? sum.plus(amount) : sum.minus(amount));
    }
    if (entry.shares <= 0) this.#shared.delete(id);
  }
}
