// Pods of simulated nodes use what their annotations say: nothing, unless they say otherwise.
import type { Pod } from '../../../generated/core-v1.ts';
import { Quantity } from '../../api/meta/quantity.ts';
import type { NodeUsage, PodUsage, Usage } from './readings.ts';

const cpuAnnotation = 'simulated.coracle.dev/cpu';
const memoryAnnotation = 'simulated.coracle.dev/memory';
const windowMs = 1_000;

/** Each container of a pod uses the same. */
export function simulatedUsage(pods: readonly Pod[], nowMs: number): NodeUsage {
  const usages = new Map<string, PodUsage>();
  const total = { nanoCores: 0, memoryBytes: 0 };
  for (const { metadata, spec, status } of pods) {
    if (status?.phase !== 'Running') continue;
    const usage: Usage = {
      nanoCores: Number(readQuantity(metadata.annotations?.[cpuAnnotation]).nanos),
      memoryBytes: Number(readQuantity(metadata.annotations?.[memoryAnnotation]).units),
    };
    const containers = new Map(spec.containers.map(({ name }) => [name, usage]));
    total.nanoCores += usage.nanoCores * containers.size;
    total.memoryBytes += usage.memoryBytes * containers.size;
    usages.set(`${metadata.namespace}/${metadata.name}`, { atMs: nowMs, windowMs, containers });
  }
  return { node: { atMs: nowMs, windowMs, ...total }, pods: usages };
}

/** What cannot be read is nothing: annotations are not validated. */
function readQuantity(text: string | undefined): Quantity {
  try {
    return text === undefined ? Quantity.zero : Quantity.parse(text);
  } catch {
    return Quantity.zero;
  }
}
