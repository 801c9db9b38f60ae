// What the agent counts of its own work, under upstream's names.
import type { Pod } from '../../../../generated/core-v1.ts';
import type { Clock } from '../../../base/clock.ts';
import type { RuntimeTracker } from '../../pods/runtime-tracker.ts';
import type { ProbeRunner } from '../../probes/run-probe.ts';
import type { ContainerRuntime } from '../../runtime/runtime.ts';
import type { PodStatusSink } from '../../status/status-writer.ts';
import { Counter, type Family, Histogram } from './exposition.ts';

const startBuckets = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600,
];
const runtimeBuckets = Array.from({ length: 14 }, (_, index) => Number((0.005 * 2.5 ** index).toPrecision(12)));

/** Our words to upstream's. */
const operations: Readonly<Record<string, string>> = {
  version: 'version',
  conditions: 'status',
  runSandbox: 'run_podsandbox',
  stopSandbox: 'stop_podsandbox',
  removeSandbox: 'remove_podsandbox',
  sandboxStatus: 'podsandbox_status',
  listSandboxes: 'list_podsandbox',
  createContainer: 'create_container',
  startContainer: 'start_container',
  stopContainer: 'stop_container',
  removeContainer: 'remove_container',
  containerStatus: 'container_status',
  listContainers: 'list_containers',
  updateContainerResources: 'update_container',
  reopenContainerLog: 'reopen_container_log',
  containerUsage: 'list_container_stats',
  pullImage: 'pull_image',
  imageStatus: 'image_status',
  listImages: 'list_images',
  removeImage: 'remove_image',
  execSync: 'exec_sync',
  execUrl: 'exec',
  attachUrl: 'attach',
  portForwardUrl: 'port_forward',
};

export class NodeFigures {
  readonly runtimeOperations = new Counter(
    'kubelet_runtime_operations_total',
    '[ALPHA] Cumulative number of runtime operations by operation type.',
  );
  readonly runtimeErrors = new Counter(
    'kubelet_runtime_operations_errors_total',
    '[ALPHA] Cumulative number of runtime operation errors by operation type.',
  );
  readonly runtimeDuration = new Histogram(
    'kubelet_runtime_operations_duration_seconds',
    '[ALPHA] Duration in seconds of runtime operations. Broken down by operation type.',
    runtimeBuckets,
  );
  readonly relistDuration = new Histogram(
    'kubelet_pleg_relist_duration_seconds',
    '[ALPHA] Duration in seconds for relisting pods in PLEG.',
  );
  readonly relistInterval = new Histogram(
    'kubelet_pleg_relist_interval_seconds',
    '[ALPHA] Interval in seconds between relisting in PLEG.',
  );
  readonly podStart = new Histogram(
    'kubelet_pod_start_duration_seconds',
    '[ALPHA] Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run',
    startBuckets,
  );
  readonly podStartTotal = new Histogram(
    'kubelet_pod_start_total_duration_seconds',
    '[ALPHA] Duration in seconds to start a pod since creation, including time to pull images and run init containers, measured from pod creation timestamp to when all its containers are reported as started and observed via watch',
    startBuckets,
  );
  readonly startedPods = new Counter('kubelet_started_pods_total', '[ALPHA] Cumulative number of pods started');
  readonly startedPodsErrors = new Counter(
    'kubelet_started_pods_errors_total',
    '[ALPHA] Cumulative number of errors when starting pods',
  );
  readonly startedContainers = new Counter(
    'kubelet_started_containers_total',
    '[ALPHA] Cumulative number of containers started',
  );
  readonly startedContainersErrors = new Counter(
    'kubelet_started_containers_errors_total',
    '[ALPHA] Cumulative number of errors when starting containers',
  );
  readonly httpRequests = new Counter(
    'kubelet_http_requests_total',
    '[ALPHA] Number of the http requests received since the server started',
  );
  readonly httpDuration = new Histogram(
    'kubelet_http_requests_duration_seconds',
    '[ALPHA] Duration in seconds to serve http requests',
  );
  readonly streamingRequests = new Counter(
    'kubelet_websocket_streaming_requests_total',
    '[ALPHA] Total number of WebSocket streaming requests (exec/attach/portforward) received by the kubelet.',
  );
  readonly probeResults = new Counter(
    'prober_probe_total',
    '[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.',
  );
  readonly probeDuration = new Histogram(
    'prober_probe_duration_seconds',
    '[ALPHA] Duration in seconds for a probe response.',
  );
  readonly deviceRegistrations = new Counter(
    'kubelet_device_plugin_registration_total',
    '[ALPHA] Cumulative number of device plugin registrations. Broken down by resource name.',
  );
  readonly deviceAllocation = new Histogram(
    'kubelet_device_plugin_alloc_duration_seconds',
    '[ALPHA] Duration in seconds to serve a device plugin Allocation request. Broken down by resource name.',
  );
  /** What other parts of the agent count. */
  readonly others: Family[] = [];
  /** Seconds since the epoch; 0 before the first. */
  lastRelistSeconds = 0;
  readonly #clock: Clock;
  #relistAtMs: number | undefined;
  readonly #firstSeenMs = new Map<string, number>();
  readonly #started = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same runtime, with its calls counted. */
  observeRuntime(runtime: ContainerRuntime): ContainerRuntime {
    const observed = new Map<string | symbol, unknown>();
    return new Proxy(runtime, {
      get: (target, name) => {
        const operation = typeof name === 'string' ? operations[name] : undefined;
        const member: unknown = Reflect.get(target, name);
        if (!operation) return typeof member === 'function' ? member.bind(target) : member;
        if (!observed.has(name)) {
          const call = (member as (...args: unknown[]) => Promise<unknown>).bind(target);
          observed.set(name, (...args: unknown[]) => this.#timed(operation, () => call(...args)));
        }
        return observed.get(name);
      },
    });
  }

  /** The same probes, with their outcomes counted by what they are for. */
  observeProbe(probe: ProbeRunner, tracker: () => RuntimeTracker): ProbeRunner {
    return async (what, where) => {
      const { livenessProbe, readinessProbe, startupProbe } = where.container;
      const kinds = new Map([
        [livenessProbe, 'Liveness'],
        [readinessProbe, 'Readiness'],
        [startupProbe, 'Startup'],
      ]);
      const probe_type = kinds.get(what);
      const labels = tracker().container(where.containerId)?.labels;
      if (!probe_type || !labels) return probe(what, where);
      const begunMs = this.#clock.monotonicMs();
      const outcome = await probe(what, where);
      const pod = labels['io.kubernetes.pod.name'] ?? '';
      const namespace = labels['io.kubernetes.pod.namespace'] ?? '';
      const pod_uid = labels['io.kubernetes.pod.uid'] ?? '';
      const container = where.container.name;
      const result = outcome.isSuccess ? 'successful' : 'failed';
      this.probeResults.add({ container, namespace, pod, pod_uid, probe_type, result });
      const seconds = (this.#clock.monotonicMs() - begunMs) / 1000;
      this.probeDuration.observe(seconds, { container, namespace, pod, probe_type });
      return outcome;
    };
  }

  /** The same sink; when pods begin to run is seen on the way. */
  observeSink(sink: PodStatusSink): PodStatusSink {
    const see = (pod: Pod, phase: string | undefined): void => this.#podTold(pod, phase);
    return {
      get latest() {
        return sink.latest;
      },
      set(pod, status, isUrgent) {
        see(pod, status.phase);
        sink.set(pod, status, isUrgent);
      },
      flush: () => sink.flush(),
      close: () => sink.close(),
    } as PodStatusSink;
  }

  /** For the manager of devices. Resources are few: a node has no more than 256 plugins. */
  get deviceObserver() {
    return {
      onRegistration: (resource_name: string) => this.deviceRegistrations.add({ resource_name }),
      onAllocated: (resource_name: string, tookMs: number) =>
        this.deviceAllocation.observe(tookMs / 1000, { resource_name }),
    };
  }

  /** What is told of pods that are gone is forgotten. */
  retain(podUids: ReadonlySet<string>, names: ReadonlySet<string>): void {
    for (const uid of this.#firstSeenMs.keys()) if (!podUids.has(uid)) this.#firstSeenMs.delete(uid);
    for (const uid of this.#started) if (!podUids.has(uid)) this.#started.delete(uid);
    this.probeResults.keep(({ pod_uid = '' }) => podUids.has(pod_uid));
    this.probeDuration.keep(({ namespace, pod }) => names.has(`${namespace}/${pod}`));
  }

  #podTold({ metadata, status }: Pod, phase: string | undefined): void {
    const uid = metadata.uid!;
    const nowMs = this.#clock.now();
    const seenMs = this.#firstSeenMs.get(uid) ?? nowMs;
    this.#firstSeenMs.set(uid, seenMs);
    if (phase !== 'Running' || this.#started.has(uid)) return;
    this.#started.add(uid);
    // It ran before this agent did.
    if (status?.phase === 'Running' && seenMs === nowMs) return;
    this.podStart.observe((nowMs - seenMs) / 1000);
    if (metadata.creationTimestamp)
      this.podStartTotal.observe(Math.max(0, (nowMs - Date.parse(metadata.creationTimestamp)) / 1000));
  }

  async #timed(operation: string, call: () => Promise<unknown>): Promise<unknown> {
    const begunMs = this.#clock.monotonicMs();
    const labels = { operation_type: operation };
    this.runtimeOperations.add(labels);
    try {
      const answer = await call();
      this.#count(operation, begunMs, true);
      return answer;
    } catch (error) {
      this.runtimeErrors.add(labels);
      this.#count(operation, begunMs, false);
      throw error;
    } finally {
      this.runtimeDuration.observe((this.#clock.monotonicMs() - begunMs) / 1000, labels);
    }
  }

  #count(operation: string, begunMs: number, isGood: boolean): void {
    if (operation === 'run_podsandbox') (isGood ? this.startedPods : this.startedPodsErrors).add();
    if (operation === 'start_container')
      if (isGood) this.startedContainers.add({ container_type: 'container' });
      else this.startedContainersErrors.add({ code: 'RunContainerError', container_type: 'container' });
    // Everything is looked at again: what PLEG is to upstream.
    if (operation !== 'list_podsandbox') return;
    const nowMs = this.#clock.monotonicMs();
    this.relistDuration.observe((nowMs - begunMs) / 1000);
    if (this.#relistAtMs !== undefined) this.relistInterval.observe((nowMs - this.#relistAtMs) / 1000);
    this.#relistAtMs = nowMs;
    this.lastRelistSeconds = this.#clock.now() / 1000;
  }
}
