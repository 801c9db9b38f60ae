// The scheduler's figures, under upstream's names. Labels come from closed sets: profiles, results, queues, plugins.
import type { Pod } from '../../generated/core-v1.ts';
import { isFinished } from '../api/core/pod-phase.ts';
import { podLimits, podRequests } from './resources.ts';

type Labels = Readonly<Record<string, string>>;

const exponential = (start: number, factor: number, count: number) =>
  Array.from({ length: count }, (_, index) => Number((start * factor ** index).toPrecision(12)));

const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

function labelText(labels: Labels): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return texts.length > 0 ? `{${texts.join(',')}}` : '';
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  lines(): Iterable<string>;
}

class Counter implements Family {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly #values = new Map<string, number>();

  constructor(name: string, help: string) {
    this.name = `scheduler_${name}`;
    this.help = help;
  }

  add(labels: Labels = {}, amount = 1): void {
    const text = labelText(labels);
    this.#values.set(text, (this.#values.get(text) ?? 0) + amount);
  }

  *lines(): Iterable<string> {
    for (const [labels, value] of this.#values) yield `${this.name}${labels} ${value}`;
  }
}

class Histogram implements Family {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #lines = new Map<
    string,
    { readonly labels: Labels; readonly counts: number[]; count: number; sum: number }
  >();

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = `scheduler_${name}`;
    this.help = help;
    this.#bounds = bounds;
  }

  observe(value: number, labels: Labels = {}): void {
    const text = labelText(labels);
    let line = this.#lines.get(text);
    if (!line) {
      line = { labels, counts: this.#bounds.map(() => 0), count: 0, sum: 0 };
      this.#lines.set(text, line);
    }
    line.count++;
    line.sum += value;
    for (let at = this.#bounds.length - 1; at >= 0 && value <= this.#bounds[at]!; at--) line.counts[at]!++;
  }

  *lines(): Iterable<string> {
    for (const [text, { labels, counts, count, sum }] of this.#lines) {
      for (const [at, bound] of this.#bounds.entries()) {
        yield `${this.name}_bucket${labelText({ ...labels, le: String(bound) })} ${counts[at]}`;
      }
      yield `${this.name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`;
      yield `${this.name}_sum${text} ${sum}`;
      yield `${this.name}_count${text} ${count}`;
    }
  }
}

class Gauge implements Family {
  readonly type = 'gauge';
  readonly name: string;
  readonly help: string;
  readonly #read: () => Iterable<readonly [Labels, number]>;

  constructor(name: string, help: string, read: () => Iterable<readonly [Labels, number]>) {
    this.name = `scheduler_${name}`;
    this.help = help;
    this.#read = read;
  }

  *lines(): Iterable<string> {
    for (const [labels, value] of this.#read()) yield `${this.name}${labelText(labels)} ${value}`;
  }
}

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

/** What is read when somebody asks. */
export interface SchedulerState {
  pending(): Readonly<Record<'active' | 'backoff' | 'unschedulable' | 'gated', number>>;
  cache(): { readonly nodes: number; readonly pods: number; readonly assumed: number };
  /** Plugin, profile and how many pods it keeps from being scheduled. */
  unschedulable(): Iterable<{ readonly plugin: string; readonly profile: string; readonly count: number }>;
  readonly pods: Iterable<Pod>;
}

export class SchedulerMetrics {
  readonly #families: readonly Family[];
  readonly #state: SchedulerState;
  readonly #attempts = new Counter(
    'schedule_attempts_total',
    "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.",
  );
  readonly #attemptSeconds = new Histogram(
    'scheduling_attempt_duration_seconds',
    'Scheduling attempt latency in seconds (scheduling algorithm + binding)',
    exponential(0.001, 2, 15),
  );
  readonly #algorithmSeconds = new Histogram(
    'scheduling_algorithm_duration_seconds',
    'Scheduling algorithm latency in seconds',
    exponential(0.001, 2, 15),
  );
  readonly #pointSeconds = new Histogram(
    'framework_extension_point_duration_seconds',
    'Latency for running all plugins of a specific extension point.',
    exponential(0.0001, 2, 12),
  );
  readonly #sliSeconds = new Histogram(
    'pod_scheduling_sli_duration_seconds',
    'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.',
    exponential(0.01, 2, 20),
  );
  readonly #podAttempts = new Histogram(
    'pod_scheduling_attempts',
    'Number of attempts to successfully schedule a pod.',
    exponential(1, 2, 5),
  );
  readonly #victims = new Histogram(
    'preemption_victims',
    'Number of selected preemption victims',
    exponential(1, 2, 7),
  );
  readonly #preemptions = new Counter('preemption_attempts_total', 'Total preemption attempts in the cluster till now');
  readonly #incoming = new Counter(
    'queue_incoming_pods_total',
    'Number of pods added to scheduling queues by event and queue type.',
  );

  constructor(state: SchedulerState) {
    this.#state = state;
    const pending = new Gauge('pending_pods', 'Number of pending pods, by the queue type.', () =>
      Object.entries(state.pending()).map(([queue, count]) => [{ queue }, count] as const),
    );
    const cacheHelp = 'Number of nodes, pods, and assumed (bound) pods in the scheduler cache.';
    const cache = new Gauge('cache_size', cacheHelp, () => {
      const { nodes, pods, assumed } = state.cache();
      return [[{ type: 'assumed_pods' }, assumed] as const, [{ type: 'nodes' }, nodes], [{ type: 'pods' }, pods]];
    });
    const unschedulable = new Gauge(
      'unschedulable_pods',
      'The number of unschedulable pods broken down by plugin name.',
      () => [...state.unschedulable()].map(({ plugin, profile, count }) => [{ plugin, profile }, count] as const),
    );
    this.#families = [
      this.#attempts,
      this.#attemptSeconds,
      this.#algorithmSeconds,
      this.#pointSeconds,
      this.#sliSeconds,
      this.#podAttempts,
      this.#victims,
      this.#preemptions,
      this.#incoming,
      pending,
      cache,
      unschedulable,
    ];
  }

  attempted(profile: string, result: AttemptResult, seconds: number): void {
    this.#attempts.add({ profile, result });
    this.#attemptSeconds.observe(seconds, { profile, result });
  }

  /** `status`: `Success`, `Unschedulable`, `Error`. */
  ranPoint(extension_point: string, profile: string, status: string, seconds: number): void {
    this.#pointSeconds.observe(seconds, { extension_point, profile, status });
    if (extension_point === 'Filter') this.#algorithmSeconds.observe(seconds);
  }

  /** `seconds` since the pod came into the queue. */
  bound(attempts: number, seconds: number): void {
    this.#podAttempts.observe(attempts);
    this.#sliSeconds.observe(seconds, { attempts: attempts >= 15 ? '15+' : String(attempts) });
  }

  preempted(victims: number): void {
    this.#preemptions.add();
    this.#victims.observe(victims);
  }

  queued(queue: 'active' | 'backoff' | 'unschedulable' | 'gated', event: string): void {
    this.#incoming.add({ event, queue });
  }

  /** `/metrics` */
  print(): string {
    const lines: string[] = [];
    for (const family of this.#families) {
      lines.push(`# HELP ${family.name} ${family.help}`, `# TYPE ${family.name} ${family.type}`, ...family.lines());
    }
    return `${lines.join('\n')}\n`;
  }

  /** `/metrics/resources`: what pods ask for and may use. */
  printResources(): string {
    const requests: string[] = [];
    const limits: string[] = [];
    for (const pod of this.#state.pods) {
      if (isFinished(pod)) continue;
      requests.push(...resourceLines('kube_pod_resource_request', pod, podRequests(pod)));
      limits.push(...resourceLines('kube_pod_resource_limit', pod, podLimits(pod)));
    }
    const about = (what: string) =>
      `Resources ${what} by workloads on the cluster, broken down by pod. This shows the resource usage the scheduler and kubelet expect per pod for resources along with the unit for the resource if any.`;
    return [
      `# HELP kube_pod_resource_limit ${about('limit')}`,
      '# TYPE kube_pod_resource_limit gauge',
      ...limits,
      `# HELP kube_pod_resource_request ${about('requested')}`,
      '# TYPE kube_pod_resource_request gauge',
      ...requests,
      '',
    ].join('\n');
  }
}

function unitOf(resource: string): string {
  if (resource === 'cpu') return 'cores';
  const isBytes = resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-');
  return isBytes ? 'bytes' : 'integer';
}

function* resourceLines(name: string, pod: Pod, amounts: ReadonlyMap<string, number>): Iterable<string> {
  const { namespace = '', name: podName } = pod.metadata;
  const { nodeName = '', schedulerName = '', priority } = pod.spec;
  for (const [resource, amount] of amounts) {
    if (amount === 0) continue;
    const labels = {
      namespace,
      node: nodeName,
      pod: podName,
      priority: priority === undefined ? '' : String(priority),
      resource,
      scheduler: schedulerName,
      unit: unitOf(resource),
    };
    yield `${name}${labelText(labels)} ${resource === 'cpu' ? amount / 1000 : amount}`;
  }
}
