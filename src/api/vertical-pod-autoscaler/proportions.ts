// Requests and limits of one container grow and shrink together.
import type { Container } from '../../../generated/core-v1.ts';
import { Quantity, quantityOf } from '../meta/quantity.ts';
import type { ResourceList } from './types.ts';

export function proportionalLimits(
  { resources }: Container,
  requests: ResourceList,
  defaults: ResourceList,
): { limits: ResourceList; notes: string[] } {
  const limits: Record<string, string> = {};
  const notes: string[] = [];
  for (const name of ['cpu', 'memory']) {
    const own = quantityOf(resources?.limits?.[name]);
    const limit = own.isZero ? quantityOf(defaults[name]) : own;
    const request = quantityOf(resources?.requests?.[name]);
    const recommended = quantityOf(requests[name]);
    if (limit.isZero) notes.push(`${name}: limit NOT set since originalLimit is nil or 0`);
    else if (recommended.isZero) notes.push(`${name}: limit NOT set since recommendedRequest is nil or 0`);
    else if (request.isZero || request.compare(limit) === 0) limits[name] = recommended.toString();
    else limits[name] = scale(name, limit, request, recommended).toString();
  }
  return Object.keys(limits).length > 0 ? { limits, notes } : { limits, notes: [] };
}

/** `value` in the proportion of `to` to `from`: CPU in thousandths, the rest in whole units, rounded down unless said. */
export function scale(resource: string, value: Quantity, from: Quantity, to: Quantity, isUp = false): Quantity {
  const part = (amount: bigint, of: bigint, whole: bigint) => (amount * of + (isUp ? whole - 1n : 0n)) / whole;
  if (resource === 'cpu') return Quantity.ofMillis(part(value.millis, to.millis, from.millis), value.format);
  return Quantity.ofUnits(part(value.units, to.units, from.units), value.format);
}
