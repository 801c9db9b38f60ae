// From what pods use to how many there should be: pure.
import type { Pod } from '../../../generated/core-v1.ts';
import { findCondition } from '../../api/meta/conditions.ts';
import { millisOf } from '../../api/meta/quantity.ts';
import { timeMs } from '../../api/meta/time.ts';
import { isReady } from '../shared/pod-state.ts';
import { MetricError } from './metric-error.ts';

export interface Sample {
  readonly value: number;
  readonly atMs: number;
  readonly windowMs: number;
}

/** By pod name; values in thousandths. */
export type Samples = ReadonlyMap<string, Sample>;

export interface Tolerances {
  readonly down: number;
  readonly up: number;
}

export interface Proposal {
  readonly replicas: number;
  /** What a pod uses on average, in thousandths. */
  readonly usage: number;
  /** Percent of what was requested, for targets given so. */
  readonly utilization?: number;
}

/** A starting pod's CPU says little. */
const cpuInitialisationMs = 300_000;
const initialReadinessDelayMs = 30_000;

export function isWithin(ratio: number, { down, up }: Tolerances): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

export interface Demand {
  readonly pods: readonly Pod[];
  readonly samples: Samples;
  /** '' for a metric that is no resource. */
  readonly resource: string;
  readonly current: number;
  readonly tolerances: Tolerances;
  readonly nowMs: number;
}

/** Towards so much a pod, in thousandths. @throws MetricError when there is nothing to go by */
export function plainReplicas(demand: Demand, targetUsage: number): Proposal {
  const ratioOf = (samples: Samples) => {
    const values = [...samples.values()];
    const usage = Math.trunc(values.reduce((sum, { value }) => sum + value, 0) / values.length);
    return { ratio: usage / targetUsage, usage };
  };
  return replicas(demand, ratioOf, () => targetUsage);
}

/** Towards so many percent of what the pods request. @throws MetricError when there is nothing to go by, or no request */
export function utilizationReplicas(demand: Demand, targetPercent: number, container: string): Proposal {
  if (demand.pods.length === 0) throw noPods();
  let requests: ReadonlyMap<string, number> | undefined;
  const requested = () => (requests ??= requestsOf(demand.pods, demand.resource, container));
  const ratioOf = (samples: Samples) => {
    let used = 0;
    let asked = 0;
    let count = 0;
    for (const [pod, { value }] of samples) {
      const request = requested().get(pod);
      if (request === undefined) continue;
      used += value;
      asked += request;
      count++;
    }
    if (asked === 0) throw new MetricError('no metrics returned matched known pods');
    const utilization = Math.trunc((used * 100) / asked);
    return { ratio: utilization / targetPercent, usage: Math.trunc(used / count), utilization };
  };
  return replicas(demand, ratioOf, (pod) =>
    Math.trunc(((requested().get(pod) ?? 0) * Math.max(100, targetPercent)) / 100),
  );
}

const noPods = () => new MetricError('no pods returned by selector while calculating replica count');

type Ratio = { readonly ratio: number; readonly usage: number; readonly utilization?: number };

/** Pods without a sample are taken for what changes least: all they may use on the way down, nothing on the way up. */
function replicas(demand: Demand, ratioOf: (samples: Samples) => Ratio, full: (pod: string) => number): Proposal {
  const { pods, current, tolerances } = demand;
  if (pods.length === 0) throw noPods();
  const { readyCount, unready, missing, counted } = sort(demand);
  if (counted.size === 0) throw new MetricError('did not receive metrics for targeted pods (pods might be unready)');
  const { ratio, ...figures } = ratioOf(counted);
  const isUpWithUnready = unready.length > 0 && ratio > 1;
  if (!isUpWithUnready && missing.length === 0) {
    const wanted = isWithin(ratio, tolerances) ? current : Math.ceil(ratio * readyCount);
    return { replicas: wanted, ...figures };
  }
  const guessed = new Map(counted);
  const guess = (pod: string, value: number) => guessed.set(pod, { value, atMs: 0, windowMs: 0 });
  if (ratio < 1) for (const pod of missing) guess(pod, full(pod));
  if (ratio > 1) for (const pod of missing) guess(pod, 0);
  if (isUpWithUnready) for (const pod of unready) guess(pod, 0);
  const again = ratioOf(guessed).ratio;
  const hasTurned = (ratio < 1 && again > 1) || (ratio > 1 && again < 1);
  if (isWithin(again, tolerances) || hasTurned) return { replicas: current, ...figures };
  const wanted = Math.ceil(again * guessed.size);
  const isAgainst = (again < 1 && wanted > current) || (again > 1 && wanted < current);
  return { replicas: isAgainst ? current : wanted, ...figures };
}

interface Sorted {
  readonly readyCount: number;
  readonly unready: readonly string[];
  readonly missing: readonly string[];
  /** The samples of pods that count. */
  readonly counted: Samples;
}

function sort({ pods, samples, resource, nowMs }: Demand): Sorted {
  const unready: string[] = [];
  const missing: string[] = [];
  const counted = new Map(samples);
  let readyCount = 0;
  for (const pod of pods) {
    const { name } = pod.metadata;
    const sample = samples.get(name);
    if (pod.metadata.deletionTimestamp || pod.status?.phase === 'Failed') counted.delete(name);
    else if (pod.status?.phase === 'Pending') unready.push(name);
    else if (!sample) missing.push(name);
    else if (resource === 'cpu' && isStarting(pod, sample, nowMs)) unready.push(name);
    else readyCount++;
  }
  for (const name of unready) counted.delete(name);
  return { readyCount, unready, missing, counted };
}

function isStarting(pod: Pod, sample: Sample, nowMs: number): boolean {
  const condition = findCondition(pod.status?.conditions, 'Ready');
  const startedMs = timeMs(pod.status?.startTime);
  if (!condition || startedMs === undefined) return true;
  const changedMs = timeMs(condition.lastTransitionTime) ?? 0;
  const isUnready = condition.status === 'False';
  if (startedMs + cpuInitialisationMs > nowMs) return isUnready || sample.atMs < changedMs + sample.windowMs;
  return isUnready && startedMs + initialReadinessDelayMs > changedMs;
}

/** What each pod asks for, in thousandths. @throws MetricError for a container that asks for nothing */
function requestsOf(pods: readonly Pod[], resource: string, container: string): Map<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name, requestOf(pod, resource, container)]));
}

function requestOf(pod: Pod, resource: string, container: string): number {
  const { name } = pod.metadata;
  const whole = pod.spec.resources?.requests;
  if (whole && container === '' && Object.keys(whole).length > 0) {
    if (whole[resource] === undefined)
      throw new MetricError(`missing pod-level request for ${resource} in Pod ${name}`);
    return millisOf(whole[resource]);
  }
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const chosen = [...pod.spec.containers, ...sidecars].filter((each) => container === '' || each.name === container);
  if (chosen.length === 0) throw new MetricError(`container ${container} not found in Pod ${name}`);
  return chosen.reduce((sum, each) => {
    const request = each.resources?.requests?.[resource];
    if (request === undefined)
      throw new MetricError(`missing request for ${resource} in container ${each.name} of Pod ${name}`);
    return sum + millisOf(request);
  }, 0);
}

export function readyCount(pods: readonly Pod[]): number {
  if (pods.length === 0) throw new MetricError(`unable to calculate ready pods: ${noPods().message}`);
  return pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod)).length;
}
