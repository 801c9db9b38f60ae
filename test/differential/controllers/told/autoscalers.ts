// HorizontalPodAutoscalers without anybody who measures: every kind of metric, and what is said of it.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { labels, make, patch, pods, story, template } from './words.ts';

const kinds = ['HorizontalPodAutoscaler', 'Deployment', 'ReplicaSet'];
const target = (replicas = 2, container: Json = {}) =>
  make('Deployment', 'd', {
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { ...template(), spec: { ...template().spec, containers: [{ name: 'c', image: 'i', ...container }] } },
    },
  });
const scaler = (metrics: Json[] | undefined, more: Json = {}) =>
  make('HorizontalPodAutoscaler', 'h', {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      minReplicas: 1,
      maxReplicas: 5,
      ...(metrics ? { metrics } : {}),
      ...more,
    },
  });
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };
const asks = { resources: { requests: { cpu: '100m' } } };
const tell = (title: string, ...steps: Step[]) => story(`hpa/${title}`, kinds, pods('ready'), ...steps);

export const autoscalerStories: readonly Story[] = [
  tell('cpu without metrics', target(2, asks), scaler([cpu])),
  tell('cpu without requests', target(), scaler([cpu])),
  tell(
    'a container',
    target(2, asks),
    scaler([
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'c', target: { type: 'AverageValue', averageValue: '10m' } },
      },
    ]),
  ),
  tell(
    'a metric of pods',
    target(),
    scaler([
      {
        type: 'Pods',
        pods: {
          metric: { name: 'm', selector: { matchLabels: { a: 'b' } } },
          target: { type: 'AverageValue', averageValue: '1' },
        },
      },
    ]),
  ),
  tell(
    'a metric of an object',
    target(),
    scaler([
      {
        type: 'Object',
        object: {
          describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' },
          metric: { name: 'm' },
          target: { type: 'Value', value: '1' },
        },
      },
    ]),
  ),
  tell(
    'a metric of an object, average',
    target(),
    scaler([
      {
        type: 'Object',
        object: {
          describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' },
          metric: { name: 'm' },
          target: { type: 'AverageValue', averageValue: '1' },
        },
      },
    ]),
  ),
  tell(
    'an external metric',
    target(),
    scaler([{ type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } }]),
  ),
  tell(
    'an external metric, average',
    target(),
    scaler([
      {
        type: 'External',
        external: {
          metric: { name: 'm', selector: { matchLabels: { a: 'b' } } },
          target: { type: 'AverageValue', averageValue: '1' },
        },
      },
    ]),
  ),
  tell(
    'several',
    target(2, asks),
    scaler([
      cpu,
      { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
      { type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } },
    ]),
  ),
  tell('switched off', target(0, asks), scaler([cpu]), patch('Deployment', 'd', { spec: { replicas: 1 } })),
  tell(
    'too many',
    target(8, asks),
    scaler([cpu]),
    patch('HorizontalPodAutoscaler', 'h', { spec: { maxReplicas: 3, minReplicas: 2 } }),
  ),
  tell(
    'too many, slowly',
    target(5, asks),
    scaler([cpu], {
      maxReplicas: 2,
      behavior: { scaleDown: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } },
    }),
  ),
  tell(
    'too many, may not go down',
    target(5, asks),
    scaler([cpu], { maxReplicas: 2, behavior: { scaleDown: { selectPolicy: 'Disabled' } } }),
  ),
  tell(
    'two of them',
    target(2, asks),
    scaler([cpu]),
    make('HorizontalPodAutoscaler', 'g', {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
        maxReplicas: 5,
        metrics: [cpu],
      },
    }),
  ),
  tell(
    'a target that can not be scaled',
    make('ConfigMap', 'd'),
    make('HorizontalPodAutoscaler', 'h', {
      spec: { scaleTargetRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'd' }, maxReplicas: 5 },
    }),
  ),
  tell(
    'a target of an unknown kind',
    make('HorizontalPodAutoscaler', 'h', {
      spec: { scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Thing', name: 'd' }, maxReplicas: 5 },
    }),
  ),
  tell(
    'a target without group',
    make('HorizontalPodAutoscaler', 'h', {
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 5 },
    }),
  ),
  tell(
    'a target version with two slashes',
    make('HorizontalPodAutoscaler', 'h', {
      spec: { scaleTargetRef: { apiVersion: 'a/b/c', kind: 'Deployment', name: 'd' }, maxReplicas: 5 },
    }),
  ),
  tell(
    'no pods match',
    target(2, asks),
    make('ReplicationController', 'd', {
      spec: { replicas: 0, selector: { none: 'x' }, template: template({}, { labels: { none: 'x' } }) },
    }),
    make('HorizontalPodAutoscaler', 'h', {
      spec: { scaleTargetRef: { apiVersion: 'v1', kind: 'ReplicationController', name: 'd' }, maxReplicas: 5 },
    }),
    patch('ReplicationController', 'd', { spec: { replicas: 3 } }),
  ),
];
