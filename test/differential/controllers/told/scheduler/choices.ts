// Which of several nodes a scheduler likes best, and what it needs of them.
import type { Json } from '../../side.ts';
import type { Story } from '../../stories.ts';
import { labels, make, patch, pods, remove } from '../words.ts';
import { apart, ask, near, node, pod, priority, spread, tell } from './words.ts';

const host = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';
const expression = (key: string, operator: string, ...values: string[]) => ({
  key,
  operator,
  ...(values.length > 0 ? { values } : {}),
});
const needs = (...matchExpressions: Json[]) => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
  },
});
const prefers = (...list: readonly (readonly [weight: number, expression: Json])[]) => ({
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: list.map(([weight, each]) => ({
        weight,
        preference: { matchExpressions: [each] },
      })),
    },
  },
});
const liked = (kind: 'podAffinity' | 'podAntiAffinity', weight: number, topologyKey: string, more: Json = {}) => ({
  affinity: {
    [kind]: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight, podAffinityTerm: { ...near(topologyKey)[0], ...more } },
      ],
    },
  },
});
const on = (name: string) => ({ nodeName: `{ns}-${name}` });
const low = (name: string, where: string, cpu: string, spec: Json = {}, more: Json = {}) =>
  pod(name, { ...on(where), ...spec }, ask(cpu), more);

export const choiceStories: readonly Story[] = [
  tell(
    'choice/affinity in',
    node('a'),
    node('b', { labels: { disk: 'ssd' } }),
    pod('p', needs(expression('disk', 'In', 'hdd', 'ssd'))),
  ),
  tell(
    'choice/affinity greater',
    node('a', { labels: { size: '5' } }),
    node('b', { labels: { size: '50' } }),
    node('c', { labels: { size: 'big' } }),
    pod('p', needs(expression('size', 'Gt', '5'))),
  ),
  tell(
    'choice/affinity of both terms',
    node('a', { labels: { x: '1' } }),
    node('b', { labels: { x: '1', y: '1' } }),
    pod('p', needs(expression('x', 'Exists'), expression('y', 'Exists'))),
  ),
  tell(
    'choice/affinity that nobody can meet',
    node('a'),
    pod('p', needs(expression('x', 'In'))),
    pod('q', needs(expression('x', 'Gt', 'y'))),
    pod('r', needs()),
  ),
  tell(
    'choice/a preference less than the other',
    node('a', { labels: { x: '1' } }),
    node('b', { labels: { y: '1' } }),
    pod('p', prefers([10, expression('x', 'Exists')], [90, expression('y', 'Exists')])),
  ),
  tell(
    'choice/affinity kept after the label goes',
    node('a', { labels: { x: '1' } }),
    pod('p', needs(expression('x', 'Exists'))),
    patch('Node', '{ns}-a', { metadata: { labels: { x: null } } }),
  ),
  tell(
    'choice/near by preference',
    node('a'),
    node('b'),
    node('c'),
    pod('first', on('b')),
    pod('p', liked('podAffinity', 100, host)),
  ),
  tell(
    'choice/far by preference',
    node('a'),
    node('b'),
    pod('first', on('a')),
    pod('p', liked('podAntiAffinity', 100, host)),
  ),
  tell(
    'choice/far by preference, everywhere',
    node('a'),
    node('b'),
    pod('first', on('a')),
    pod('second', on('b')),
    pod('third', on('a')),
    pod('p', liked('podAntiAffinity', 50, host)),
  ),
  tell(
    'choice/near in the zone by preference',
    node('a', { zone: 'x' }),
    node('b', { zone: 'y' }),
    node('c', { zone: 'y' }),
    pod('first', on('c')),
    pod('p', liked('podAffinity', 100, zone)),
  ),
  tell(
    'choice/those there would not like it',
    node('a'),
    node('b'),
    pod('first', { ...on('a'), ...liked('podAntiAffinity', 100, host) }),
    pod('p'),
  ),
  tell(
    'choice/mismatched label keys',
    node('a'),
    node('b'),
    pod('first', on('a'), {}, { labels: { app: 'a', tenant: 'x' } }),
    pod(
      'p',
      {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: host, labelSelector: { matchLabels: labels }, mismatchLabelKeys: ['tenant'] },
            ],
          },
        },
      },
      {},
      { labels: { app: 'a', tenant: 'y' } },
    ),
    pod(
      'q',
      {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: host, labelSelector: { matchLabels: labels }, mismatchLabelKeys: ['tenant'] },
            ],
          },
        },
      },
      {},
      { labels: { app: 'a', tenant: 'x' } },
    ),
  ),
  tell(
    'choice/an affinity of no selector',
    node('a'),
    pod('first', on('a')),
    pod('p', {
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: host }] } },
    }),
    pod('q', {
      affinity: {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: host, labelSelector: {} }] },
      },
    }),
  ),
  tell(
    'choice/tolerations',
    node('a', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } }),
    pod('p', { tolerations: [{ key: 'k', operator: 'Equal', value: 'v' }] }),
    pod('q', { tolerations: [{ key: 'k', operator: 'Equal', value: 'w' }] }),
    pod('r', { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }] }),
    pod('s', { tolerations: [{ key: 'k', operator: 'Gt', value: '5' }] }),
  ),
  tell(
    'choice/a soft taint against room',
    node('a', { spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } }),
    node('c'),
    low('x', 'c', '1500m'),
    pod('p', {}, ask('400m')),
  ),
  tell(
    'choice/balanced',
    node('a'),
    node('b'),
    low('x', 'a', '1500m'),
    pod('y', on('b'), ask('100m', { memory: '3Gi' })),
    pod('p', {}, ask('100m', { memory: '900Mi' })),
  ),
  tell(
    'choice/images',
    node('a', { status: { images: [{ names: ['registry.example/small:1'], sizeBytes: 30_000_000 }] } }),
    node('b', { status: { images: [{ names: ['registry.example/large:1'], sizeBytes: 900_000_000 }] } }),
    pod('p', {}, { image: 'registry.example/large:1' }),
    pod('q', {}, { image: 'registry.example/large' }),
  ),
  tell(
    'choice/huge pages',
    node('a'),
    node('b', { room: { 'hugepages-2Mi': '4Mi' } }),
    pod('p', {}, { resources: { requests: { 'hugepages-2Mi': '4Mi', cpu: '1' }, limits: { 'hugepages-2Mi': '4Mi' } } }),
    pod('q', {}, { resources: { requests: { 'hugepages-2Mi': '2Mi', cpu: '1' }, limits: { 'hugepages-2Mi': '2Mi' } } }),
  ),
  tell(
    'choice/extended resources by turns',
    node('a', { room: { 'example.com/x': '2' } }),
    node('b', { room: { 'example.com/x': '4' } }),
    pod('p', {}, ask('100m', { 'example.com/x': '3' })),
    pod('q', {}, ask('100m', { 'example.com/x': '2' })),
    pod('r', {}, ask('100m', { 'example.com/x': '1' })),
  ),
  tell(
    'choice/overhead and side containers',
    node('a'),
    node('b', { room: { cpu: '3' } }),
    pod(
      'p',
      {
        initContainers: [
          { name: 's', image: 'i', restartPolicy: 'Always', ...ask('1') },
          { name: 'i', image: 'i', ...ask('1500m') },
        ],
      },
      ask('1'),
    ),
  ),
  tell(
    'choice/whole pods and the containers in them',
    node('a', { room: { cpu: '1' } }),
    node('b'),
    pod('p', { resources: { requests: { cpu: '1500m' } } }, ask('100m')),
    pod('q', { resources: { requests: { memory: '1Gi' } } }, ask('500m')),
  ),
  tell(
    'choice/room is what can be allocated',
    node('a', { status: { allocatable: { cpu: '100m', memory: '1Gi', pods: '10' } } }),
    pod('p', {}, ask('200m')),
  ),
  tell(
    'choice/no pods at all',
    node('a', { room: { pods: '0' } }),
    node('b', { room: { pods: '1' } }),
    pod('p'),
    pod('q'),
  ),
  tell(
    'choice/spread by a Service',
    node('a'),
    node('b'),
    make('Service', 's', { spec: { selector: labels, ports: [{ port: 80 }] } }),
    pod('first', on('a')),
    pod('p'),
  ),
  tell(
    'choice/spread, a skew of two',
    node('a'),
    node('b', { room: { cpu: '100m' } }),
    ...['1', '2', '3'].map((name) => pod(`p${name}`, spread(host, { maxSkew: 2 }), ask('200m'))),
  ),
  tell(
    'choice/spread over zones and hosts',
    node('a', { zone: 'x' }),
    node('b', { zone: 'x' }),
    node('c', { zone: 'y' }),
    ...['1', '2', '3', '4'].map((name) =>
      pod(`p${name}`, {
        topologySpreadConstraints: [
          ...spread(zone).topologySpreadConstraints,
          ...spread(host).topologySpreadConstraints,
        ],
      }),
    ),
  ),
  tell(
    'choice/spread anyway, by weight of zones',
    node('a', { zone: 'x' }),
    node('b', { zone: 'y' }),
    low('1', 'a', '10m'),
    low('2', 'a', '10m'),
    low('3', 'b', '10m'),
    pod('p', spread(zone, { whenUnsatisfiable: 'ScheduleAnyway' })),
  ),
  tell(
    'choice/spread of what a selector leaves',
    node('a', { labels: { only: 'x' } }),
    node('b', { labels: { only: 'x' } }),
    node('c'),
    low('1', 'a', '10m'),
    pod('p', { ...spread(host), nodeSelector: { only: 'x' } }),
    pod('q', { ...spread(host), nodeSelector: { only: 'x' } }),
    pod('r', { ...spread(host, { nodeAffinityPolicy: 'Ignore' }), nodeSelector: { only: 'x' } }),
  ),
  tell(
    'choice/spread of no selector',
    node('a'),
    node('b'),
    pod('first', on('a')),
    pod('p', spread(host, { labelSelector: null })),
  ),

  tell(
    'victims/fewest',
    node('a'),
    node('b'),
    priority('high', 100),
    low('1', 'a', '1'),
    low('2', 'a', '1'),
    low('3', 'b', '2'),
    pod('p', { priorityClassName: '{ns}-high' }, ask('2')),
  ),
  tell(
    'victims/least sum of ranks',
    node('a'),
    node('b'),
    priority('high', 100),
    priority('m', 10),
    priority('l', 5),
    low('1', 'a', '1', { priorityClassName: '{ns}-m' }),
    low('2', 'a', '1', { priorityClassName: '{ns}-m' }),
    low('3', 'b', '1', { priorityClassName: '{ns}-m' }),
    low('4', 'b', '1', { priorityClassName: '{ns}-l' }),
    pod('p', { priorityClassName: '{ns}-high' }, ask('2')),
  ),
  tell(
    'victims/negative rank',
    node('a'),
    priority('neg', -5),
    low('1', 'a', '2', { priorityClassName: '{ns}-neg' }),
    pod('p', {}, ask('2')),
  ),
  tell(
    'victims/by default rank of all',
    node('a'),
    priority('high', 100, { globalDefault: false, description: 'd' }),
    low('1', 'a', '2'),
    pod('p', { priorityClassName: '{ns}-high' }, ask('3')),
  ),
  tell(
    'victims/two wait for one place',
    node('a'),
    priority('high', 100),
    priority('higher', 200),
    pods('away'),
    pod('low', { ...on('a'), terminationGracePeriodSeconds: 100 }, ask('2')),
    pod('p', { priorityClassName: '{ns}-high' }, ask('2')),
    pod('q', { priorityClassName: '{ns}-higher' }, ask('2')),
  ),
  tell(
    'victims/by far neighbours',
    node('a'),
    priority('high', 100),
    pod('low', on('a')),
    pod('p', { priorityClassName: '{ns}-high', ...apart(host) }),
  ),
  tell(
    'victims/of a finished pod there is no need',
    node('a'),
    priority('high', 100),
    low('low', 'a', '2', { restartPolicy: 'Never' }),
    pods('succeed'),
    pod('p', { priorityClassName: '{ns}-high' }, ask('2')),
    remove('Pod', 'low'),
  ),
];
