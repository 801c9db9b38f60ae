// What a scheduler says of nodes that do not fit, and of neighbours.
import type { Story } from '../../stories.ts';
import { labels, patch, remove } from '../words.ts';
import { apart, ask, condition, node, pod, spread, tell, together } from './words.ts';

export const placeStories: readonly Story[] = [
  tell(
    'fit/all the reasons of one node',
    node('a', { room: { cpu: '1', memory: '1Gi', pods: '1', 'ephemeral-storage': '1Gi' } }),
    pod('first'),
    pod(
      'p',
      {},
      ask('2', { memory: '2Gi', 'ephemeral-storage': '2Gi', 'example.com/gpu': '1', 'hugepages-2Mi': '2Mi' }),
    ),
  ),
  tell(
    'fit/reasons mixed over nodes',
    node('a', { room: { cpu: '1' } }),
    node('b', { spec: { unschedulable: true } }),
    node('c', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } }),
    node('d', { spec: { taints: [{ key: 'k', value: 'w', effect: 'NoExecute' }] } }),
    node('e', { labels: { disk: 'ssd' }, room: { memory: '1Gi' } }),
    pod('p', {}, ask('1500m', { memory: '3Gi' })),
    pod('q', { nodeSelector: { disk: 'ssd' } }, ask('3')),
    pod('r', { nodeSelector: { disk: 'hdd' } }),
  ),
  tell(
    'fit/taints of several nodes',
    ...['a', 'b', 'c'].map((name) =>
      node(name, {
        spec: {
          taints: [
            { key: `k-${name}`, effect: 'NoSchedule' },
            { key: 'second', effect: 'NoSchedule' },
          ],
        },
      }),
    ),
    pod('p'),
    pod('q', { tolerations: [{ key: 'k-a', operator: 'Exists' }] }),
  ),
  tell(
    'fit/a node that is not ready',
    node('a'),
    patch('Node', '{ns}-a', { status: { conditions: [{ ...condition, status: 'False' }] } }, { subresource: 'status' }),
    pod('p'),
    pod('q', { tolerations: [{ operator: 'Exists' }] }),
  ),
  tell(
    'fit/ports',
    node('a'),
    pod('p', {}, { ports: [{ containerPort: 80, hostPort: 80 }] }),
    pod('q', {}, { ports: [{ containerPort: 80, hostPort: 80 }] }),
    pod('r', { hostNetwork: true }, { ports: [{ containerPort: 80 }] }),
    remove('Pod', 'p'),
  ),
  tell(
    'fit/host names',
    node('a'),
    pod('p', { nodeName: undefined, nodeSelector: { 'kubernetes.io/hostname': 'nowhere' } }),
    pod('q', {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['nowhere'] }] }],
          },
        },
      },
    }),
    pod('r', {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['nowhere'] }] },
              { matchExpressions: [{ key: 'none', operator: 'Exists' }] },
            ],
          },
        },
      },
    }),
  ),
  tell(
    'fit/gates',
    node('a'),
    pod('p', { schedulingGates: [{ name: 'example.com/a' }, { name: 'example.com/b' }] }),
    patch('Pod', 'p', { spec: { schedulingGates: [{ name: 'example.com/b' }] } }),
    patch('Pod', 'p', { spec: { schedulingGates: null, nodeSelector: { no: 'such' } } }),
    patch('Node', '{ns}-a', { metadata: { labels: { no: 'such' } } }),
  ),
  tell(
    'fit/a gate goes, too big',
    node('a'),
    pod('p', { schedulingGates: [{ name: 'example.com/a' }] }, ask('9')),
    patch('Pod', 'p', { spec: { schedulingGates: null } }),
  ),
  tell(
    'fit/another scheduler and a profile nobody has',
    node('a'),
    pod('p', { schedulerName: 'nobody' }),
    pod('q', { schedulerName: '' }),
  ),
  tell(
    'fit/resized while it waits',
    node('a'),
    pod('p', {}, ask('3')),
    patch(
      'Node',
      '{ns}-a',
      { status: { capacity: { cpu: '4' }, allocatable: { cpu: '4' } } },
      { subresource: 'status' },
    ),
  ),
  tell('fit/pod level resources', node('a'), pod('p', { resources: { requests: { cpu: '3' }, limits: { cpu: '3' } } })),
  tell(
    'fit/only unschedulable',
    node('a', { spec: { unschedulable: true } }),
    node('b', { spec: { unschedulable: true } }),
    pod('p'),
  ),
  tell(
    'fit/extended resource',
    node('a', { room: { 'example.com/gpu': '1' } }),
    pod('p', {}, ask('1', { 'example.com/gpu': '1' })),
    pod('q', {}, ask('100m', { 'example.com/gpu': '1' })),
    pod('r', {}, ask('100m', { 'example.com/tpu': '1' })),
  ),

  tell(
    'affinity/nothing to be near',
    node('a'),
    node('b'),
    pod('p', together('kubernetes.io/hostname', 'other')),
    pod('other', {}, {}, { labels: { app: 'other' } }),
  ),
  tell(
    'affinity/far from all',
    node('a'),
    node('b'),
    pod('p', apart('kubernetes.io/hostname')),
    pod('q', apart('kubernetes.io/hostname')),
    pod('r', apart('kubernetes.io/hostname')),
    pod('s', { ...apart('kubernetes.io/hostname', 'x'), nodeSelector: { no: 'such' } }),
  ),
  tell(
    'affinity/those there object',
    node('a'),
    pod('p', apart('kubernetes.io/hostname', 'b')),
    pod('q', {}, {}, { labels: { app: 'b' } }),
  ),
  tell(
    'affinity/both at once',
    node('a'),
    node('b'),
    node('c', { zone: 'a' }),
    pod('p', { nodeSelector: { 'topology.kubernetes.io/zone': 'a' } }),
    pod('q', {
      affinity: {
        ...together('topology.kubernetes.io/zone').affinity,
        ...apart('topology.kubernetes.io/zone').affinity,
      },
    }),
  ),
  tell(
    'affinity/match label keys',
    node('a'),
    node('b'),
    pod('p', {}, {}, { labels: { app: 'a', v: '1' } }),
    pod(
      'q',
      {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels }, matchLabelKeys: ['v'] },
            ],
          },
        },
      },
      {},
      { labels: { app: 'a', v: '1' } },
    ),
    pod(
      'r',
      {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels }, matchLabelKeys: ['v'] },
            ],
          },
        },
      },
      {},
      { labels: { app: 'a', v: '1' } },
    ),
  ),

  tell(
    'spread/no key and too uneven',
    node('a'),
    node('b', { zone: undefined, labels: { 'topology.kubernetes.io/zone': null } }),
    node('c', { room: { cpu: '100m' } }),
    pod('p', spread('topology.kubernetes.io/zone'), ask('200m')),
    pod('q', spread('topology.kubernetes.io/zone'), ask('200m')),
    pod('r', spread('nokey'), ask('1')),
  ),
  tell(
    'spread/min domains',
    node('a'),
    node('b'),
    pod('p', spread('kubernetes.io/hostname', { minDomains: 5 })),
    pod('q', spread('kubernetes.io/hostname', { minDomains: 5 })),
    pod('r', spread('kubernetes.io/hostname', { minDomains: 5 })),
  ),
  tell(
    'spread/match label keys',
    node('a'),
    node('b'),
    pod('p', spread('kubernetes.io/hostname', { matchLabelKeys: ['v'] }), {}, { labels: { app: 'a', v: '1' } }),
    pod(
      'q',
      { ...spread('kubernetes.io/hostname', { matchLabelKeys: ['v'] }), nodeSelector: { no: 'such' } },
      {},
      { labels: { app: 'a', v: '2' } },
    ),
  ),
  tell(
    'spread/with affinity',
    node('a'),
    node('b', { spec: { unschedulable: true } }),
    pod('p', spread('kubernetes.io/hostname', { nodeAffinityPolicy: 'Ignore' })),
    pod('q', spread('kubernetes.io/hostname', { nodeTaintsPolicy: 'Honor' })),
  ),
];
