// Amounts of resources as they are kept.
import type { ResourceRequirements } from '../../../generated/core-v1.ts';
import { Quantity, quantityOf } from '../meta/quantity.ts';

/** Amounts finer than a thousandth are rounded up. */
export function defaultResources(resources: Pick<ResourceRequirements, 'limits' | 'requests'> | undefined): void {
  roundResources(resources?.limits);
  roundResources(resources?.requests);
}

export function roundResources(list: Record<string, string> | undefined): void {
  for (const name in list) {
    const text = list[name]!;
    if (!/[nu.e]/.test(text)) continue;
    const quantity = quantityOf(text);
    list[name] = Quantity.ofMillis(quantity.millis, quantity.format).toString();
  }
}
