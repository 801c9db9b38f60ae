// /metrics/resource: what autoscalers read, under upstream's names.

import { readMachine } from '../stats/machine.ts';
import type { NodeReading } from '../stats/node-reading.ts';
import { type Family, render, type Sample } from './exposition.ts';

/** @param read rejects when nothing can be told; the answer says so then */
export async function resourceMetrics(read: () => Promise<NodeReading>): Promise<string> {
  const reading = await read().catch(() => undefined);
  const machine = await readMachine();
  const failed: Sample[] = [{ value: reading ? 0 : 1 }];
  const errors = '1 if there was an error while getting container metrics, 0 otherwise';
  return render([
    ...(reading ? families(reading, machine) : []),
    { name: 'scrape_error', help: `[ALPHA] (Deprecated since 1.29.0) ${errors}`, type: 'gauge', samples: failed },
    { name: 'resource_scrape_error', help: `[STABLE] ${errors}`, type: 'gauge', samples: failed },
  ]);
}

function families(
  { atMs, machine: whole, pods }: NodeReading,
  { memory, swap }: Awaited<ReturnType<typeof readMachine>>,
): Family[] {
  const ofPods = pods.flatMap(({ pod, cgroup }) =>
    cgroup ? [{ labels: { namespace: pod.metadata.namespace!, pod: pod.metadata.name }, cgroup }] : [],
  );
  const ofContainers = pods.flatMap(({ pod, containers }) =>
    containers.map(({ record, cgroup }) => ({
      labels: { container: record.name, namespace: pod.metadata.namespace!, pod: pod.metadata.name },
      cgroup,
      record,
    })),
  );
  const table: [string, string, 'counter' | 'gauge', Sample[]][] = [
    [
      'container_cpu_usage_seconds_total',
      '[STABLE] Cumulative cpu time consumed by the container in core-seconds',
      'counter',
      ofContainers.map(({ labels, cgroup }) => ({ labels, value: cgroup.cpu.totalNs / 1e9, atMs })),
    ],
    [
      'container_memory_working_set_bytes',
      '[STABLE] Current working set of the container in bytes',
      'gauge',
      ofContainers.map(({ labels, cgroup }) => ({ labels, value: cgroup.memory.workingSet, atMs })),
    ],
    [
      'container_start_time_seconds',
      '[STABLE] Start time of the container since unix epoch in seconds',
      'gauge',
      ofContainers.map(({ labels, record }) => ({ labels, value: record.startedAtMs / 1000 })),
    ],
    [
      'container_swap_usage_bytes',
      '[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems',
      'gauge',
      ofContainers.map(({ labels, cgroup }) => ({ labels, value: cgroup.memory.swap, atMs })),
    ],
    [
      'container_swap_limit_bytes',
      '[ALPHA] Current amount of the container swap limit in bytes. Reported only on non-windows systems',
      'gauge',
      ofContainers.map(({ labels, cgroup }) => ({ labels, value: cgroup.memory.swap, atMs })),
    ],
    [
      'node_cpu_usage_seconds_total',
      '[STABLE] Cumulative cpu time consumed by the node in core-seconds',
      'counter',
      whole ? [{ value: whole.cpu.totalNs / 1e9, atMs }] : [],
    ],
    [
      'node_memory_working_set_bytes',
      '[STABLE] Current working set of the node in bytes',
      'gauge',
      [{ value: memory.total - memory.available, atMs }],
    ],
    [
      'node_swap_usage_bytes',
      '[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems',
      'gauge',
      [{ value: swap.used, atMs }],
    ],
    [
      'pod_cpu_usage_seconds_total',
      '[STABLE] Cumulative cpu time consumed by the pod in core-seconds',
      'counter',
      ofPods.map(({ labels, cgroup }) => ({ labels, value: cgroup.cpu.totalNs / 1e9, atMs })),
    ],
    [
      'pod_memory_working_set_bytes',
      '[STABLE] Current working set of the pod in bytes',
      'gauge',
      ofPods.map(({ labels, cgroup }) => ({ labels, value: cgroup.memory.workingSet, atMs })),
    ],
    [
      'pod_swap_usage_bytes',
      '[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems',
      'gauge',
      ofPods.map(({ labels, cgroup }) => ({ labels, value: cgroup.memory.swap, atMs })),
    ],
  ];
  return table.map(([name, help, type, samples]) => ({ name, help, type, samples }));
}
