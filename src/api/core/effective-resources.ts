// What a whole pod asks for: its containers together, or the largest init container if that is more.
import type { Container, PodSpec } from '../../../generated/core-v1.ts';
import { Quantity, quantityOf } from '../meta/quantity.ts';

export type Resources = ReadonlyMap<string, Quantity>;

export function podResources(spec: PodSpec, part: 'requests' | 'limits'): Resources {
  const total = new Map<string, Quantity>();
  for (const container of spec.containers ?? []) add(total, of(container, part));
  // Init containers that go on running count for all that start after them.
  const sidecars = new Map<string, Quantity>();
  const peak = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const own = of(container, part);
    if (container.restartPolicy === 'Always') {
      add(total, own);
      add(sidecars, own);
      raise(peak, sidecars);
    } else {
      const withSidecars = new Map(own);
      add(withSidecars, sidecars);
      raise(peak, withSidecars);
    }
  }
  raise(total, peak);
  for (const [name, value] of Object.entries(spec.resources?.[part] ?? {})) total.set(name, quantityOf(value));
  // Overhead counts to the limits of what is limited only.
  for (const [name, value] of Object.entries(spec.overhead ?? {})) {
    if (part === 'requests' || total.has(name)) add(total, new Map([[name, quantityOf(value)]]));
  }
  return total;
}

function of(container: Container, part: 'requests' | 'limits'): Map<string, Quantity> {
  return new Map(Object.entries(container.resources?.[part] ?? {}).map(([name, value]) => [name, quantityOf(value)]));
}

function add(to: Map<string, Quantity>, from: Resources): void {
  for (const [name, value] of from) to.set(name, (to.get(name) ?? Quantity.zero).plus(value));
}

function raise(to: Map<string, Quantity>, from: Resources): void {
  for (const [name, value] of from) {
    const present = to.get(name);
    if (!present || present.compare(value) < 0) to.set(name, value);
  }
}
