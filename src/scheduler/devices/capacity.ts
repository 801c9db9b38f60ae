// What a request takes of a device's capacities.
import type { CapacityRequestPolicy, CapacityRequirements, DeviceCapacity } from '../../../generated/resource-v1.ts';
import { Quantity, quantityOf } from '../../api/meta/quantity.ts';

/** Capacity's name → how much. */
export type Consumption = ReadonlyMap<string, Quantity>;
type Capacities = Readonly<Record<string, DeviceCapacity>> | undefined;

const q = (value: unknown) => quantityOf(value as string);

function roundedUp(asked: Quantity, { validRange, validValues }: CapacityRequestPolicy): Quantity {
  if (validRange) {
    const min = q(validRange.min);
    if (asked.compare(min) < 0) return min;
    if (validRange.step === undefined) return asked;
    const step = q(validRange.step).units;
    if (step <= 0n) return asked;
    const steps = (asked.units - min.units + step - 1n) / step;
    return Quantity.ofUnits(min.units + steps * step, 'binary');
  }
  return (validValues ?? []).map(q).find((each) => asked.compare(each) <= 0) ?? asked;
}

function consumed(asked: Quantity | undefined, { value, requestPolicy }: DeviceCapacity): Quantity {
  if (asked === undefined) return q(requestPolicy?.default ?? value);
  return requestPolicy ? roundedUp(asked, requestPolicy) : asked;
}

function isAgainst(policy: CapacityRequestPolicy | undefined, amount: Quantity): boolean {
  if (!policy || (policy.default !== undefined && amount.compare(q(policy.default)) === 0)) return false;
  const { validRange, validValues } = policy;
  if (validRange) {
    if (validRange.max !== undefined && amount.compare(q(validRange.max)) > 0) return true;
    const step = validRange.step === undefined ? 0n : q(validRange.step).units;
    return step > 0n && (amount.units - q(validRange.min).units) % step !== 0n;
  }
  return (validValues?.length ?? 0) > 0 && !validValues!.some((each) => amount.compare(q(each)) === 0);
}

const askedFor = (request: CapacityRequirements | undefined, name: string) =>
  request?.requests?.[name] === undefined ? undefined : q(request.requests[name]);

/** What of each capacity goes to the request. */
export function consumedBy(request: CapacityRequirements | undefined, capacities: Capacities): Consumption {
  return new Map(
    Object.entries(capacities ?? {}).map(([name, capacity]) => [name, consumed(askedFor(request, name), capacity)]),
  );
}

/** Whether the request can be met beside what others have taken (`taken`: each a part of it). */
export function hasCapacity(
  request: CapacityRequirements | undefined,
  capacities: Capacities,
  taken: readonly (Consumption | undefined)[],
): boolean {
  for (const name of Object.keys(request?.requests ?? {})) if (!capacities || !(name in capacities)) return false;
  for (const [name, amount] of consumedBy(request, capacities)) {
    const { requestPolicy, value } = capacities![name]!;
    if (isAgainst(requestPolicy, amount)) return false;
    const total = taken.reduce((sum, each) => sum.plus(each?.get(name) ?? Quantity.zero), amount);
    if (total.compare(q(value)) > 0) return false;
  }
  return true;
}
