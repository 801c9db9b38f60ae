// Pods of simulated nodes use what is said of them: nothing, unless something is.
import type { Pod } from '../../../generated/core-v1.ts';
import type { SimulationProgram } from '../../api/simulation/program.ts';
import { usageOf } from '../../api/simulation/usage.ts';
import type { NodeUsage, PodUsage, Usage } from './readings.ts';

const windowMs = 1_000;

export function simulatedUsage(program: SimulationProgram, pods: readonly Pod[], nowMs: number): NodeUsage {
  const usages = new Map<string, PodUsage>();
  const total = { nanoCores: 0, memoryBytes: 0 };
  for (const { metadata, spec, status } of pods) {
    if (status?.phase !== 'Running') continue;
    const { namespace = '', name: pod, labels = {}, annotations = {} } = metadata;
    const containers = new Map<string, Usage>();
    for (const { name } of spec.containers) {
      const state = status.containerStatuses?.find((each) => each.name === name);
      const attempt = state?.restartCount ?? 0;
      const startedAt = state?.state?.running?.startedAt ?? status.startTime;
      const ageMs = startedAt ? nowMs - Date.parse(startedAt) : 0;
      const subject = { namespace, pod, labels, annotations, node: spec.nodeName ?? '', name, attempt };
      const usage = usageOf(program, subject, ageMs);
      containers.set(name, usage);
      total.nanoCores += usage.nanoCores;
      total.memoryBytes += usage.memoryBytes;
    }
    usages.set(`${namespace}/${pod}`, { atMs: nowMs, windowMs, containers });
  }
  return { node: { atMs: nowMs, windowMs, ...total }, pods: usages };
}
