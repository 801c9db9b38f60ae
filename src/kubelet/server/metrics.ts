// A few figures in Prometheus' text form.
import type { PodServices } from '../pods/pod-services.ts';

export function renderMetrics({ tracker }: PodServices): string {
  const counts = new Map<string, number>();
  for (const { state } of tracker.containers()) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = {
    CONTAINER_CREATED: 'created',
    CONTAINER_RUNNING: 'running',
    CONTAINER_EXITED: 'exited',
    CONTAINER_UNKNOWN: 'unknown',
  };
  const lines = Object.entries(states).map(
    ([state, name]) => `kubelet_running_containers{container_state="${name}"} ${counts.get(state) ?? 0}`,
  );
  return [
    '# HELP kubelet_running_containers Number of containers by state',
    '# TYPE kubelet_running_containers gauge',
    ...lines,
    '# HELP kubelet_running_pods Number of pods that have a sandbox or containers',
    '# TYPE kubelet_running_pods gauge',
    `kubelet_running_pods ${tracker.podUids().size}`,
    '# HELP process_resident_memory_bytes Resident memory size in bytes',
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    '',
  ].join('\n');
}
