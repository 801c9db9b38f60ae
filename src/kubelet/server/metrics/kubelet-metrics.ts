// /metrics: what the agent counts of its own work, and what its pods and their volumes are just now.
import type { Pod } from '../../../../generated/core-v1.ts';
import { kubernetesVersion } from '../../node/node-facts.ts';
import type { PodServices } from '../../pods/pod-services.ts';
import type { Summary, VolumeSummary } from '../stats/summary.ts';
import { type Family, type Labels, render, type Sample } from './exposition.ts';
import type { NodeFigures } from './node-figures.ts';

export interface KubeletMetricsInput {
  readonly nodeName: string;
  readonly services: PodServices;
  readonly figures: NodeFigures;
  readonly pods: readonly Pod[];
  readonly activePods: readonly Pod[];
  /** With the volumes of claims. */
  readonly summary: Summary | undefined;
}

export function kubeletMetrics(input: KubeletMetricsInput): string {
  const { figures } = input;
  const counted: Family[] = [
    figures.runtimeOperations,
    figures.runtimeErrors,
    figures.runtimeDuration,
    figures.relistDuration,
    figures.relistInterval,
    figures.podStart,
    figures.podStartTotal,
    figures.startedPods,
    figures.startedPodsErrors,
    figures.startedContainers,
    figures.startedContainersErrors,
    figures.httpRequests,
    figures.httpDuration,
    figures.streamingRequests,
    figures.deviceRegistrations,
    figures.deviceAllocation,
    ...figures.others,
  ];
  return render([...counted, ...gauges(input), ...volumeFamilies(input.summary), ...processFamilies()]);
}

const gauge = (name: string, help: string, ...samples: Sample[]): Family => ({ name, help, type: 'gauge', samples });
const one = (value: number, labels?: Labels): Sample => ({ value, ...(labels ? { labels } : {}) });

function gauges({ nodeName, services, figures, pods, activePods }: KubeletMetricsInput): Family[] {
  const states = new Map([
    ['CONTAINER_CREATED', { name: 'created', count: 0 }],
    ['CONTAINER_RUNNING', { name: 'running', count: 0 }],
    ['CONTAINER_EXITED', { name: 'exited', count: 0 }],
    ['CONTAINER_UNKNOWN', { name: 'unknown', count: 0 }],
  ]);
  for (const { state } of services.tracker.containers()) states.get(state)!.count += 1;
  const running = pods.filter(({ metadata }) =>
    services.tracker.stateOf(metadata.uid!).sandboxes.some(({ state }) => state === 'SANDBOX_READY'),
  );
  const isStatic = ({ metadata }: Pod): boolean => metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
  const byStatic = (list: readonly Pod[]): Sample[] =>
    [true, false].map((wanted) =>
      one(list.filter((pod) => isStatic(pod) === wanted).length, { static: wanted ? 'true' : '' }),
    );
  return [
    gauge('kubelet_node_name', "[ALPHA] The node's name. The count is always 1.", one(1, { node: nodeName })),
    gauge('kubelet_running_pods', '[ALPHA] Number of pods that have a running pod sandbox', one(running.length)),
    gauge(
      'kubelet_running_containers',
      '[ALPHA] Number of containers currently running',
      ...[...states.values()].map(({ name, count }) => one(count, { container_state: name })),
    ),
    gauge(
      'kubelet_desired_pods',
      '[ALPHA] The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.',
      ...byStatic(pods),
    ),
    gauge(
      'kubelet_active_pods',
      '[ALPHA] The number of pods the kubelet considers active and which are being considered when admitting new pods. static is true if the pod is not from the apiserver.',
      ...byStatic(activePods),
    ),
    gauge(
      'kubelet_mirror_pods',
      '[ALPHA] The number of mirror pods the kubelet will try to create (one per admitted static pod)',
      one(pods.filter(isStatic).length),
    ),
    gauge(
      'kubelet_pleg_last_seen_seconds',
      '[ALPHA] Timestamp in seconds when PLEG was last seen active.',
      one(figures.lastRelistSeconds),
    ),
    gauge(
      'kubelet_metrics_provider',
      "[ALPHA] Metrics provider used by kubelet to collect container stats. Values can be 'cadvisor' and 'cri'",
      one(1, { provider: 'cadvisor' }),
    ),
    gauge(
      'kubernetes_build_info',
      "[BETA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
      one(1, { git_version: kubernetesVersion, major: '1', minor: '36' }),
    ),
  ];
}

const volumeFigures: readonly [string, string, keyof VolumeSummary][] = [
  ['available_bytes', 'Number of available bytes in the volume', 'availableBytes'],
  ['capacity_bytes', 'Capacity in bytes of the volume', 'capacityBytes'],
  ['inodes', 'Maximum number of inodes in the volume', 'inodes'],
  ['inodes_free', 'Number of free inodes in the volume', 'inodesFree'],
  ['inodes_used', 'Number of used inodes in the volume', 'inodesUsed'],
  ['used_bytes', 'Number of used bytes in the volume', 'usedBytes'],
];

/** Of claims; one that several pods use is told once. */
function volumeFamilies(summary: Summary | undefined): Family[] {
  const claims = new Map<string, VolumeSummary>();
  for (const each of summary?.pods.flatMap(({ volume }) => volume ?? []) ?? [])
    if (each.pvcRef) claims.set(`${each.pvcRef.namespace}/${each.pvcRef.name}`, each);
  return volumeFigures.map(([name, help, key]) =>
    gauge(
      `kubelet_volume_stats_${name}`,
      `[ALPHA] ${help}`,
      ...[...claims.values()].map((each) =>
        one(Number(each[key]), { namespace: each.pvcRef!.namespace, persistentvolumeclaim: each.pvcRef!.name }),
      ),
    ),
  );
}

export function processFamilies(): Family[] {
  const { user, system } = process.cpuUsage();
  const startSeconds = Date.now() / 1000 - process.uptime();
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'Total user and system CPU time spent in seconds.',
      type: 'counter',
      samples: [one((user + system) / 1e6)],
    },
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', one(process.memoryUsage.rss())),
    gauge(
      'process_start_time_seconds',
      'Start time of the process since unix epoch in seconds.',
      one(Number(startSeconds.toFixed(2))),
    ),
  ];
}
