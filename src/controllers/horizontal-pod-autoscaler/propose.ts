// One metric of an autoscaler: how many replicas it asks for, and what the status says of it.
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../../generated/autoscaling-v2.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import { millisOf, Quantity } from '../../api/meta/quantity.ts';
import { formatSelector, selectorOf } from '../../api/meta/selectors.ts';
import { MetricError } from './metric-error.ts';
import type { MetricsSource } from './metrics-source.ts';
import { isWithin, plainReplicas, readyCount, type Samples, type Tolerances, utilizationReplicas } from './usage.ts';

export interface Target {
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly pods: readonly Pod[];
  /** As the target's scale says it. */
  readonly selector: string;
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly nowMs: number;
  readonly metrics: MetricsSource;
  /** The plural of a kind, with its group. */
  resourceOf(apiVersion: string, kind: string): Promise<string>;
}

export interface MetricProposal {
  readonly replicas: number;
  /** For the events: what is above its target. */
  readonly name: string;
  readonly status: MetricStatus;
}

/** What went wrong with a metric, as condition and events tell it. */
export class ProposalError extends Error {
  readonly reason: string;
  /** Without the words around it. */
  readonly detail: string;

  constructor(reason: string, detail: string, message: string) {
    super(message);
    this.reason = reason;
    this.detail = detail;
  }
}

const maxReplicas = 2_147_483_647;

export function tolerancesOf({ spec }: HorizontalPodAutoscaler): Tolerances {
  const read = (tolerance: string | undefined) => (tolerance === undefined ? 0.1 : millisOf(tolerance) / 1000);
  return { down: read(spec.behavior?.scaleDown?.tolerance), up: read(spec.behavior?.scaleUp?.tolerance) };
}

/** @throws ProposalError */
export async function propose(target: Target, spec: MetricSpec): Promise<MetricProposal> {
  const failing = async (reason: string, before: string, work: Promise<MetricProposal>) => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof MetricError)) throw error;
      throw new ProposalError(reason, error.message, [before, ...error.around, error.message].join(': '));
    }
  };
  switch (spec.type) {
    case 'Resource': {
      const before = `failed to get ${spec.resource!.name} resource metric value`;
      return failing('FailedGetResourceMetric', before, resourceProposal(target, spec));
    }
    case 'ContainerResource': {
      const before = `failed to get ${spec.containerResource!.container} container metric value`;
      return failing('FailedGetContainerResourceMetric', before, resourceProposal(target, spec));
    }
    case 'Pods':
      return failing('FailedGetPodsMetric', 'failed to get pods metric value', podsProposal(target, spec));
    case 'Object':
      return failing('FailedGetObjectMetric', 'failed to get object metric value', objectProposal(target, spec));
    case 'External': {
      const before = `failed to get ${spec.external!.metric.name} external metric value`;
      return failing('FailedGetExternalMetric', before, externalProposal(target, spec));
    }
    default: {
      const cause = `unknown metric source type "${spec.type}"`;
      throw new ProposalError('InvalidMetricSourceType', cause, cause);
    }
  }
}

/** Words of how it is asked for are put before what went wrong. */
async function during<T>(words: string, work: Promise<T> | (() => T)): Promise<T> {
  try {
    return await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof MetricError) throw new MetricError(`${words}: ${error.message}`);
    throw error;
  }
}

/** Words that the whole of it is told with, and the condition goes without. */
async function around<T>(words: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MetricError) throw new MetricError(error.message, [words, ...error.around]);
    throw error;
  }
}

function demandOf({ autoscaler, pods, specReplicas, nowMs }: Target, samples: Samples, resource: string) {
  return { pods, samples, resource, current: specReplicas, tolerances: tolerancesOf(autoscaler), nowMs };
}

async function resourceProposal(target: Target, spec: MetricSpec): Promise<MetricProposal> {
  const { name, target: wanted } = (spec.resource ?? spec.containerResource)!;
  const container = spec.containerResource?.container ?? '';
  const namespace = target.autoscaler.metadata.namespace!;
  const read = async () =>
    during(
      `unable to get metrics for resource ${name}`,
      target.metrics.resource(namespace, target.selector, name, container),
    );
  const status = (current: MetricValueStatus): MetricStatus =>
    spec.containerResource
      ? { type: spec.type, containerResource: { name, container, current } }
      : { type: spec.type, resource: { name, current } };
  const format = name === 'memory' ? 'binary' : 'decimal';
  const { averageValue, averageUtilization } = wanted;
  if (averageValue !== undefined) {
    const proposal = await during(
      `failed to get ${name} usage`,
      read().then((samples) => plainReplicas(demandOf(target, samples, name), millisOf(averageValue))),
    );
    const current = { averageValue: Quantity.ofMillis(proposal.usage, format).toString() };
    return { replicas: proposal.replicas, name: `${name} resource`, status: status(current) };
  }
  if (averageUtilization === undefined)
    throw new MetricError(
      'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
    );
  const { replicas, usage, utilization } = await during(
    `failed to get ${name} utilization`,
    read().then((samples) => utilizationReplicas(demandOf(target, samples, name), averageUtilization, container)),
  );
  const of = spec.containerResource ? 'container resource' : 'resource';
  const averageValueNow = Quantity.ofMillis(usage, format).toString();
  return {
    replicas,
    name: `${name} ${of} utilization (percentage of request)`,
    status: status({ averageUtilization: utilization!, averageValue: averageValueNow }),
  };
}

async function podsProposal(target: Target, { type, pods }: MetricSpec): Promise<MetricProposal> {
  const { metric, target: wanted } = pods!;
  const namespace = target.autoscaler.metadata.namespace!;
  const samples = await during(
    `unable to get metric ${metric.name}`,
    target.metrics.pods(namespace, target.selector, metric.name, selectorText(metric.selector)),
  );
  const { replicas, usage } = plainReplicas(demandOf(target, samples, ''), millisOf(wanted.averageValue));
  const current = { averageValue: Quantity.ofMillis(usage).toString() };
  return { replicas, name: `pods metric ${metric.name}`, status: { type, pods: { metric, current } } };
}

async function objectProposal(target: Target, { type, object }: MetricSpec): Promise<MetricProposal> {
  const { metric, describedObject, target: wanted } = object!;
  const namespace = target.autoscaler.metadata.namespace!;
  const { value, averageValue } = targetOf(wanted);
  if (value === undefined && averageValue === undefined)
    throw new MetricError('invalid object metric source: neither a value target nor an average value target was set');
  const read = async () => {
    try {
      return await target.metrics.object(
        namespace,
        describedObject,
        () => target.resourceOf(describedObject.apiVersion ?? 'v1', describedObject.kind),
        metric.name,
        selectorText(metric.selector),
      );
    } catch (error) {
      if (!(error instanceof MetricError)) throw error;
      const place = `${describedObject.kind} on ${namespace} ${describedObject.name}`;
      throw new MetricError(`unable to get metric ${metric.name}: ${place}/${error.message}`);
    }
  };
  const status = (current: MetricValueStatus) => ({ type, object: { describedObject, metric, current } });
  if (value !== undefined) {
    const usage = await read();
    const replicas = byRatio(target, usage / millisOf(value));
    const name = `${describedObject.kind} metric ${metric.name}`;
    return { replicas, name, status: status({ value: Quantity.ofMillis(usage).toString() }) };
  }
  const usage = await around(`failed to get ${metric.name} object metric`, read());
  const { replicas, average } = perPod(target, usage, millisOf(averageValue));
  const name = `external metric ${metric.name}(${selectorName(metric.selector)})`;
  return { replicas, name, status: status({ averageValue: Quantity.ofMillis(average).toString() }) };
}

async function externalProposal(target: Target, { type, external }: MetricSpec): Promise<MetricProposal> {
  const { metric, target: wanted } = external!;
  const namespace = target.autoscaler.metadata.namespace!;
  const name = `external metric ${metric.name}(${selectorName(metric.selector)})`;
  const status = (current: MetricValueStatus) => ({ type, external: { metric, current } });
  const read = () =>
    during(
      `unable to get external metric ${namespace}/${metric.name}/${selectorName(metric.selector)}`,
      target.metrics.external(namespace, metric.name, selectorText(metric.selector)),
    );
  if (wanted.averageValue !== undefined) {
    const usage = await around(`failed to get ${metric.name} external metric`, read());
    const { replicas, average } = perPod(target, usage, millisOf(wanted.averageValue));
    return { replicas, name, status: status({ averageValue: Quantity.ofMillis(average).toString() }) };
  }
  if (wanted.value === undefined)
    throw new MetricError('invalid external metric source: neither a value target nor an average value target was set');
  const usage = await around(`failed to get external metric ${metric.name}`, read());
  const replicas = byRatio(target, usage / millisOf(wanted.value));
  return { replicas, name, status: status({ value: Quantity.ofMillis(usage).toString() }) };
}

function targetOf({ type, value, averageValue }: MetricTarget): Pick<MetricTarget, 'value' | 'averageValue'> {
  if (type === 'Value' && value !== undefined) return { value };
  return type === 'AverageValue' && averageValue !== undefined ? { averageValue } : {};
}

/** From no replicas a metric alone tells how many there should be. */
function byRatio({ autoscaler, pods, specReplicas }: Target, ratio: number): number {
  if (specReplicas === 0) return Math.ceil(ratio);
  if (isWithin(ratio, tolerancesOf(autoscaler))) return specReplicas;
  return Math.min(maxReplicas, Math.ceil(ratio * readyCount(pods)));
}

function perPod({ autoscaler, statusReplicas }: Target, usage: number, each: number) {
  const isEnough = isWithin(usage / (each * statusReplicas), tolerancesOf(autoscaler));
  const replicas = isEnough ? statusReplicas : Math.min(maxReplicas, Math.ceil(usage / each));
  return { replicas, average: statusReplicas === 0 ? usage : Math.ceil(usage / statusReplicas) };
}

function selectorText(selector: LabelSelector | undefined): string {
  const parsed = selectorOf(selector);
  return parsed ? formatSelector(parsed) : '';
}

/** As Go prints a selector within a message. */
function selectorName(selector: LabelSelector | undefined): string {
  if (!selector) return 'nil';
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}: ${value},`);
  const terms = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${terms.join('')}},}`;
}
