// What the containers of a pod ask for together.
import type { PodSpec } from '../../../generated/core-v1.ts';
import { quantityOf } from '../meta/quantity.ts';

/** Requests by resource: containers and sidecars, which run side by side. */
export function sumOfRequests(spec: PodSpec): Map<string, string> {
  const totals = new Map<string, string>();
  const add = (list: Record<string, string> | undefined): void => {
    for (const name in list) {
      const before = totals.get(name);
      totals.set(name, before === undefined ? list[name]! : quantityOf(before).plus(quantityOf(list[name])).toString());
    }
  };
  for (const { resources } of spec.containers ?? []) add(resources?.requests);
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    if (restartPolicy === 'Always') add(resources?.requests);
  }
  return totals;
}
