// autoscaling/v1 knows only a target for CPU. What else a v2 object says travels in annotations, so that a v1 client that reads and
// writes loses nothing.
import type { HorizontalPodAutoscaler as V1 } from '../../../generated/autoscaling-v1.ts';
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '../../../generated/autoscaling-v2.ts';
import type { OtherVersion } from '../kind.ts';
import type { KubernetesObject } from '../meta/object.ts';
import { behaviorFromV1, behaviorToV1, metricFromV1, metricToV1, statusFromV1, statusToV1 } from './v1-metrics.ts';

const annotation = (name: string) => `autoscaling.alpha.kubernetes.io/${name}`;
const metricsAnnotation = annotation('metrics');
const behaviorAnnotation = annotation('behavior');
const conditionsAnnotation = annotation('conditions');
const currentMetricsAnnotation = annotation('current-metrics');
const defaultUtilization = 80;

const isCpu = (metric: MetricSpec) =>
  metric.type === 'Resource' &&
  metric.resource?.name === 'cpu' &&
  metric.resource.target.averageUtilization !== undefined;
const isCpuStatus = (metric: MetricStatus) =>
  metric.type === 'Resource' &&
  metric.resource?.name === 'cpu' &&
  metric.resource.current.averageUtilization !== undefined;

const arrayOf = (value: unknown): Record<string, any>[] | undefined =>
  Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null) ? value : undefined;

/** Takes a value out of an annotation; what does not parse counts as absent. */
function take<T>(annotations: Record<string, string>, key: string): T | undefined {
  const text = annotations[key];
  delete annotations[key];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined; // a client wrote nonsense there: as if it had not
  }
}

function put(annotations: Record<string, string>, key: string, value: unknown): void {
  const isNothing = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  if (!isNothing) annotations[key] = JSON.stringify(value);
}

function withAnnotations(metadata: KubernetesObject['metadata'], annotations: Record<string, string>) {
  const { annotations: _, ...rest } = metadata;
  return Object.keys(annotations).length ? { ...rest, annotations } : rest;
}

function toStorage(object: KubernetesObject): HorizontalPodAutoscaler {
  const { metadata, spec, status, ...rest } = object as V1;
  const { targetCPUUtilizationPercentage: cpu, ...other } = spec;
  const { currentCPUUtilizationPercentage: currentCpu, ...otherStatus } = status ?? ({} as NonNullable<V1['status']>);
  const annotations = { ...metadata.annotations };
  const metrics = (arrayOf(take(annotations, metricsAnnotation)) ?? []).map(metricFromV1);
  const behavior = behaviorFromV1(take(annotations, behaviorAnnotation));
  const conditions = arrayOf(take(annotations, conditionsAnnotation));
  // Whether there is another metric is in an annotation, so the default has to wait until here.
  const cpuTarget = cpu ?? (metrics.length ? undefined : defaultUtilization);
  if (cpuTarget !== undefined) {
    metrics.push({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpuTarget } },
    });
  }
  const onlyCpu: MetricStatus = {
    type: 'Resource',
    resource: { name: 'cpu', current: { averageUtilization: currentCpu ?? 0 } },
  };
  // The annotation says more than the field.
  const currentMetrics =
    arrayOf(take(annotations, currentMetricsAnnotation))?.map(statusFromV1) ??
    (currentCpu === undefined ? undefined : [onlyCpu]);
  return {
    ...rest,
    metadata: withAnnotations(metadata, annotations),
    spec: { ...other, metrics, ...(behavior ? { behavior } : {}) },
    status: { ...otherStatus, currentMetrics: currentMetrics ?? null, ...(conditions ? { conditions } : {}) },
  } as HorizontalPodAutoscaler;
}

function fromStorage(object: HorizontalPodAutoscaler): KubernetesObject {
  const { metadata, spec, status, ...rest } = object;
  const { metrics = [], behavior, ...other } = spec;
  const { currentMetrics, conditions, ...otherStatus } =
    status ?? ({} as NonNullable<HorizontalPodAutoscaler['status']>);
  const annotations = { ...metadata.annotations };
  const cpu = metrics.find(isCpu);
  const currentCpu = currentMetrics?.findLast(isCpuStatus);
  put(annotations, metricsAnnotation, metrics.filter((metric) => !isCpu(metric)).map(metricToV1));
  put(annotations, behaviorAnnotation, behavior && behaviorToV1(behavior));
  put(annotations, conditionsAnnotation, conditions);
  put(annotations, currentMetricsAnnotation, currentMetrics?.map(statusToV1));
  const wanted = cpu?.resource?.target.averageUtilization;
  const current = currentCpu?.resource?.current.averageUtilization;
  return {
    ...rest,
    metadata: withAnnotations(metadata, annotations),
    spec: { ...other, ...(wanted === undefined ? {} : { targetCPUUtilizationPercentage: wanted }) },
    status: { ...otherStatus, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) },
  } as KubernetesObject;
}

export const autoscalingV1: OtherVersion<HorizontalPodAutoscaler> = {
  group: 'autoscaling',
  version: 'v1',
  defaults(object) {
    (object as V1).spec.minReplicas ??= 1;
  },
  toStorage,
  fromStorage,
};
