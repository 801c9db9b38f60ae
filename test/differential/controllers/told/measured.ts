// HorizontalPodAutoscalers with somebody who measures: what is asked for, what is done, and what is said of it.
import type { Figures } from '../metrics.ts';
import type { Json, PodPolicy } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { labels, live, make, patch, pods, say, story, template } from './words.ts';

const kinds = ['HorizontalPodAutoscaler', 'Deployment', 'ReplicaSet'];
const requests = (cpu = '100m', memory = '200Mi') => ({ resources: { requests: { cpu, memory } } });
const one = { name: 'c', image: 'i', ...requests() };

interface Target {
  readonly replicas?: number;
  readonly containers?: readonly Json[];
  readonly spec?: Json;
}
const target = ({ replicas = 2, containers = [one], spec = {} }: Target = {}) =>
  make('Deployment', 'd', {
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { ...template(), spec: { ...template().spec, ...spec, containers } },
    },
  });
const scaler = (metrics: Json[], more: Json = {}) =>
  make('HorizontalPodAutoscaler', 'h', {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      minReplicas: 1,
      maxReplicas: 5,
      metrics,
      ...more,
    },
  });
const measure = (figures: Figures): Step => ({ do: 'measure', figures });
const ofPods = (name: string, ...values: (string | null)[]) => measure({ pods: { [name]: values } });

const percent = (averageUtilization: number) => ({ type: 'Utilization', averageUtilization });
const value = (amount: string) => ({ type: 'Value', value: amount });
const each = (averageValue: string) => ({ type: 'AverageValue', averageValue });
const resource = (name: string, aim: Json) => ({ type: 'Resource', resource: { name, target: aim } });
const inContainer = (container: string, name: string, aim: Json) => ({
  type: 'ContainerResource',
  containerResource: { name, container, target: aim },
});
const custom = (aim: Json, metric: Json = {}) => ({
  type: 'Pods',
  pods: { metric: { name: 'm', ...metric }, target: aim },
});
const front = { apiVersion: 'v1', kind: 'Service', name: 's' };
const ofObject = (aim: Json, describedObject: Json = front) => ({
  type: 'Object',
  object: { describedObject, metric: { name: 'm' }, target: aim },
});
const external = (aim: Json, metric: Json = {}) => ({
  type: 'External',
  external: { metric: { name: 'm', ...metric }, target: aim },
});
const cpu = resource('cpu', percent(50));
const down = (rules: Json) => ({ behavior: { scaleDown: { stabilizationWindowSeconds: 0, ...rules } } });
const up = (rules: Json) => ({ behavior: { scaleUp: rules } });
const slow = (type: string, amount: number) => ({ type, value: amount, periodSeconds: 1800 });

/** Three looks of an autoscaler, and a bit. */
const looks = live(50);
const tell = (title: string, ...steps: Step[]) => story(`measured/${title}`, kinds, pods('ready'), ...steps, looks);
const tellOf = (policy: PodPolicy, title: string, ...steps: Step[]) =>
  story(`measured/${title}`, kinds, pods(policy), ...steps, looks);

const second = { name: 'b', image: 'i', ...requests('50m', '100Mi') };
const both = { containers: [one, second] };

const resourceStories: readonly Story[] = [
  tell('cpu, up to the most', target(), ofPods('cpu', '100m'), scaler([cpu])),
  tell('cpu, about right', target(), ofPods('cpu', '53m'), scaler([cpu])),
  tell('cpu, down is waited with', target({ replicas: 4 }), ofPods('cpu', '10m'), scaler([cpu])),
  tell('cpu, one lacks, up', target(), ofPods('cpu', '200m', null), scaler([cpu])),
  tell('cpu, one lacks, down', target(), ofPods('cpu', '10m', null), scaler([cpu], down({}))),
  tell('cpu, two of three lack, down', target({ replicas: 3 }), ofPods('cpu', '1m', null), scaler([cpu], down({}))),
  tell('cpu, nobody is measured', target(), ofPods('cpu', null), scaler([cpu])),
  tell(
    'cpu, measured before it was ready',
    target(),
    measure({ pods: { cpu: ['100m'] }, windowSeconds: 600 }),
    scaler([cpu]),
  ),
  tell('cpu, average value', target(), ofPods('cpu', '45500u'), scaler([resource('cpu', each('10m'))])),
  tell('memory, average value', target(), ofPods('memory', '300Mi'), scaler([resource('memory', each('100Mi'))])),
  tell('memory, in bytes', target(), ofPods('memory', '123456789'), scaler([resource('memory', each('100M'))])),
  tell('memory, utilization', target(), ofPods('memory', '150Mi'), scaler([resource('memory', percent(40))])),
  tell('a resource that nobody measures', target(), ofPods('memory', '1Mi'), scaler([cpu])),
  tell('no request for it', target({ containers: [{ name: 'c', image: 'i' }] }), ofPods('cpu', '10m'), scaler([cpu])),
  tell(
    'no request in one of two',
    target({ containers: [one, { name: 'b', image: 'i' }] }),
    measure({ pods: { cpu: ['10m'] }, second: { cpu: ['10m'] } }),
    scaler([cpu]),
  ),
  tell(
    'two containers',
    target(both),
    measure({ pods: { cpu: ['100m'] }, second: { cpu: ['5m'] } }),
    scaler([resource('cpu', percent(40))]),
  ),
  tell(
    'two containers, one is not measured',
    target(both),
    measure({ pods: { cpu: ['100m'] }, second: { memory: ['5Mi'] } }),
    scaler([cpu]),
  ),
  tell(
    'one container of two',
    target(both),
    measure({ pods: { cpu: ['100m'] }, second: { cpu: ['30m'] } }),
    scaler([inContainer('b', 'cpu', percent(30))]),
  ),
  tell(
    'one container, average value',
    target(both),
    measure({ pods: { memory: ['1Gi'] }, second: { memory: ['64Mi'] } }),
    scaler([inContainer('b', 'memory', each('40Mi'))]),
  ),
  tell(
    'a container that is not there',
    target(),
    ofPods('cpu', '100m'),
    scaler([inContainer('x', 'cpu', percent(30))]),
  ),
  tell(
    'a container without request',
    target({ containers: [one, { name: 'b', image: 'i' }] }),
    measure({ pods: { cpu: ['10m'] }, second: { cpu: ['10m'] } }),
    scaler([inContainer('b', 'cpu', percent(30))]),
  ),
  tell(
    'a sidecar',
    target({ spec: { initContainers: [{ ...second, restartPolicy: 'Always' }] } }),
    measure({ pods: { cpu: ['20m'] }, second: { cpu: ['100m'] } }),
    scaler([resource('cpu', percent(40))]),
  ),
  tell(
    'resources of the whole pod',
    target({ spec: { resources: { requests: { cpu: '300m' } } } }),
    ofPods('cpu', '240m'),
    scaler([resource('cpu', percent(40))]),
  ),
  tellOf('unready', 'pods that are not ready, cpu', target(), ofPods('cpu', '100m'), scaler([cpu])),
  tellOf(
    'unready',
    'pods that are not ready, memory',
    target(),
    ofPods('memory', '200Mi'),
    scaler([resource('memory', percent(50))]),
  ),
  tellOf('stay', 'pods that are pending', target(), ofPods('cpu', '100m'), scaler([cpu])),
  tell(
    'a pod that has failed',
    target({ replicas: 3 }),
    ofPods('m', '20'),
    say('.', { set: 'failed', reason: 'Evicted' }),
    scaler([custom(each('10'))]),
  ),
];

const otherStories: readonly Story[] = [
  tell('pods', target(), ofPods('m', '30'), scaler([custom(each('10'), { selector: { matchLabels: { a: 'b' } } })])),
  tell('pods, one lacks, up', target(), ofPods('m', '30', null), scaler([custom(each('10'))])),
  tell(
    'pods, one lacks, down',
    target({ replicas: 3 }),
    ofPods('m', '1', null),
    scaler([custom(each('10'))], down({})),
  ),
  tell('pods, parts of one', target(), ofPods('m', '1500m', '1300m'), scaler([custom(each('1'))])),
  tell('an object, value', target(), measure({ objects: { 'services/s/m': '150' } }), scaler([ofObject(value('50'))])),
  tell('an object, average', target(), measure({ objects: { 'services/s/m': '100' } }), scaler([ofObject(each('30'))])),
  tell(
    'an object, about right',
    target(),
    measure({ objects: { 'services/s/m': '52' } }),
    scaler([ofObject(value('50'))]),
  ),
  tell(
    'an object in a group',
    target(),
    measure({ objects: { 'deployments.apps/d/m': '7' } }),
    scaler([ofObject(value('2'), { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' })]),
  ),
  tell(
    'a namespace',
    target(),
    measure({ objects: { 'metrics/m': '7' } }),
    scaler([ofObject(value('2'), { apiVersion: 'v1', kind: 'Namespace', name: 'any' })]),
  ),
  tell(
    'an object of no kind',
    target(),
    measure({ objects: { 'things/s/m': '7' } }),
    scaler([ofObject(value('2'), { apiVersion: 'example.com/v1', kind: 'Thing', name: 's' })]),
  ),
  tell('external, value', target(), measure({ external: { m: ['5', '7500m'] } }), scaler([external(value('5'))])),
  tell(
    'external, average',
    target(),
    measure({ external: { m: ['5', '7500m'] } }),
    scaler([external(each('3'), { selector: { matchLabels: { a: 'b', c: 'd' } } })]),
  ),
  tell(
    'external, nothing there',
    target(),
    measure({ external: { m: ['0'] } }),
    scaler([external(value('5'))], down({})),
  ),
  tell(
    'external, nothing on average',
    target(),
    measure({ external: { m: ['0'] } }),
    scaler([external(each('5'))], down({})),
  ),
  tell('external, unknown', target(), measure({}), scaler([external(each('5'))])),
  tell(
    'several, the highest wins',
    target(),
    measure({ pods: { cpu: ['60m'], memory: ['150Mi'] }, external: { m: ['8'] } }),
    scaler([cpu, resource('memory', percent(60)), external(each('2'))]),
  ),
  tell('several, one fails, up', target(), measure({ pods: { cpu: ['100m'] } }), scaler([external(each('2')), cpu])),
  tell(
    'several, one fails, down',
    target(),
    measure({ pods: { cpu: ['1m'] } }),
    scaler([external(each('2')), cpu], down({})),
  ),
  tell(
    'several, all fail',
    target(),
    measure({ external: { x: ['1'] } }),
    scaler([external(each('2')), custom(each('1'))]),
  ),
  tell(
    'another size meanwhile',
    target(),
    ofPods('m', '20'),
    scaler([custom(each('10'))], down({})),
    live(35),
    ofPods('m', '1'),
  ),
  tell(
    'a target that is not as large as asked',
    target({ replicas: 3 }),
    measure({ external: { m: ['12'] } }),
    scaler([external(each('3'))]),
    live(20),
    patch('Deployment', 'd', { spec: { paused: true, replicas: 1 } }),
  ),
];

const behaviourStories: readonly Story[] = [
  tell('down at once', target({ replicas: 4 }), ofPods('m', '1'), scaler([custom(each('10'))], down({}))),
  tell(
    'down at once, to the least',
    target({ replicas: 4 }),
    ofPods('m', '1'),
    scaler([custom(each('10'))], { ...down({}), minReplicas: 2 }),
  ),
  tell(
    'down by one',
    target({ replicas: 4 }),
    ofPods('m', '1'),
    scaler([custom(each('10'))], down({ policies: [slow('Pods', 1)] })),
  ),
  tell(
    'down by percent, the least of two',
    target({ replicas: 5 }),
    ofPods('m', '1'),
    scaler([custom(each('10'))], down({ policies: [slow('Percent', 30), slow('Pods', 3)], selectPolicy: 'Min' })),
  ),
  tell(
    'down never',
    target({ replicas: 4 }),
    ofPods('m', '1'),
    scaler([custom(each('10'))], down({ selectPolicy: 'Disabled' })),
  ),
  tell(
    'down within its tolerance',
    target({ replicas: 4 }),
    ofPods('m', '8'),
    scaler([custom(each('10'))], down({ tolerance: '300m' })),
  ),
  tell(
    'down without tolerance',
    target({ replicas: 4 }),
    ofPods('m', '7'),
    scaler([custom(each('10'))], down({ tolerance: '0' })),
  ),
  tell('up by one', target(), ofPods('m', '90'), scaler([custom(each('10'))], up({ policies: [slow('Pods', 1)] }))),
  tell(
    'up by percent, the least of two',
    target(),
    ofPods('m', '90'),
    scaler([custom(each('10'))], up({ policies: [slow('Percent', 60), slow('Pods', 1)], selectPolicy: 'Min' })),
  ),
  tell(
    'up by percent, the most of two',
    target(),
    ofPods('m', '90'),
    scaler([custom(each('10'))], up({ policies: [slow('Percent', 60), slow('Pods', 1)] })),
  ),
  tell('up never', target(), ofPods('m', '90'), scaler([custom(each('10'))], up({ selectPolicy: 'Disabled' }))),
  tell(
    'up is waited with',
    target(),
    ofPods('m', '90'),
    scaler([custom(each('10'))], up({ stabilizationWindowSeconds: 600 })),
  ),
  tell('up within its tolerance', target(), ofPods('m', '13'), scaler([custom(each('10'))], up({ tolerance: '500m' }))),
  tell('fewer than the least', target(), ofPods('m', '10'), scaler([custom(each('10'))], { minReplicas: 3 })),
  tell(
    'more than doubled',
    target({ replicas: 1 }),
    ofPods('m', '900'),
    scaler([custom(each('10'))], { maxReplicas: 50 }),
  ),
];

export const measuredStories: readonly Story[] = [...resourceStories, ...otherStories, ...behaviourStories];
