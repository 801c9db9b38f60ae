import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../../generated/autoscaling-v2.ts';

const unknown = '<unknown>';

function byAmount(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current?.value ?? unknown}/${target.value ?? ''}`;
}

function byResource(name: string, target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`;
  const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
  return `${name}: ${now}/${target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`;
}

function metricCell(metric: MetricSpec, status: MetricStatus | undefined): string {
  const { resource, containerResource, pods, object, external } = metric;
  if (external) return byAmount(external.target, status?.external?.current);
  if (object) return byAmount(object.target, status?.object?.current);
  if (pods) return `${status?.pods?.current?.averageValue ?? unknown}/${pods.target.averageValue ?? ''}`;
  if (resource) return byResource(resource.name, resource.target, status?.resource?.current);
  if (containerResource) {
    return byResource(containerResource.name, containerResource.target, status?.containerResource?.current);
  }
  return '<unknown type>';
}

/** `now/wanted` of the first two metrics. */
export function targetsCell(metrics: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (metrics.length === 0) return '<none>';
  const cells = metrics.slice(0, 2).map((metric, index) => metricCell(metric, statuses[index]));
  return metrics.length > 2 ? `${cells.join(', ')} + ${metrics.length - 2} more...` : cells.join(', ');
}
