// Nodes, taints, what is collected.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { labels, make, patch, pod, podSpec, pods, post, remove, say, story, wait } from './words.ts';

const condition = (type: string, status: string, reason = 'R') => ({
  type,
  status,
  reason,
  message: 'm',
  lastHeartbeatTime: '{time:0}',
  lastTransitionTime: '{time:0}',
});
const room = { cpu: '4', memory: '8Gi', pods: '110' };
const node = (name: string, { status = {}, ...rest }: Json = {}) =>
  make('Node', `{ns}-${name}`, {
    ...rest,
    status: { capacity: room, allocatable: room, conditions: [condition('Ready', 'True')], ...status },
  });
const conditions = (name: string, ...list: Json[]): Step =>
  patch('Node', `{ns}-${name}`, { status: { conditions: list } }, { subresource: 'status' });
const taint = (name: string, ...taints: Json[]) => patch('Node', `{ns}-${name}`, { spec: { taints } });
const on = (name: string, spec: Json = {}) => ({ nodeName: `{ns}-${name}`, ...spec });
const kinds = ['Node'];

export const nodeStories: readonly Story[] = [
  story(
    'node/not ready, unknown, ready again',
    kinds,
    pods('ready'),
    node('a'),
    pod('p', on('a')),
    pod(
      'q',
      on('a', {
        tolerations: [
          { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 4 },
        ],
      }),
    ),
    pods('away'),
    conditions('a', condition('Ready', 'False')),
    wait(5),
    conditions('a', condition('Ready', 'Unknown')),
    conditions('a', condition('Ready', 'True')),
  ),
  story(
    'node/all pressures',
    kinds,
    node('a', { spec: { unschedulable: true } }),
    conditions(
      'a',
      condition('Ready', 'True'),
      condition('MemoryPressure', 'True'),
      condition('DiskPressure', 'True'),
      condition('PIDPressure', 'True'),
      condition('NetworkUnavailable', 'True'),
    ),
    conditions(
      'a',
      condition('Ready', 'True'),
      condition('MemoryPressure', 'Unknown'),
      condition('DiskPressure', 'False'),
      condition('Odd', 'True'),
    ),
    patch('Node', '{ns}-a', { spec: { unschedulable: null } }),
    remove('Node', '{ns}-a'),
  ),
  story('node/no conditions', kinds, node('a', { status: { conditions: null } }), remove('Node', '{ns}-a')),
  story(
    'node/labels kept the same',
    kinds,
    node('a', {
      metadata: {
        labels: { 'beta.kubernetes.io/os': 'x', 'kubernetes.io/arch': 'y', 'topology.kubernetes.io/zone': 'z' },
      },
    }),
    patch('Node', '{ns}-a', { metadata: { labels: { 'kubernetes.io/os': 'linux' } } }),
  ),
  story(
    'node/several taints, tolerations by effect and value',
    kinds,
    pods('ready'),
    node('a'),
    pod('plain', on('a')),
    pod('all', on('a', { tolerations: [{ operator: 'Exists' }] })),
    pod('value', on('a', { tolerations: [{ key: 'k', value: 'v', effect: 'NoExecute' }] })),
    pod('othervalue', on('a', { tolerations: [{ key: 'k', value: 'w', effect: 'NoExecute' }] })),
    pod(
      'both',
      on('a', {
        tolerations: [
          { key: 'k', operator: 'Exists' },
          { key: 'l', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
        ],
      }),
    ),
    pods('away'),
    taint('a', { key: 'k', value: 'v', effect: 'NoExecute' }, { key: 's', effect: 'NoSchedule' }),
    taint('a', { key: 'k', value: 'v', effect: 'NoExecute' }, { key: 'l', effect: 'NoExecute' }),
    taint('a'),
  ),
  story(
    'node/the eviction is cancelled',
    kinds,
    pods('away'),
    node('a'),
    pod('p', on('a', { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 6 }] })),
    say('p', { set: 'ready' }),
    taint('a', { key: 'k', effect: 'NoExecute' }),
    taint('a'),
    wait(6),
  ),
  story(
    'node/daemon and static pods on a tainted node',
    [...kinds, 'DaemonSet'],
    pods('ready'),
    node('a', { metadata: { labels: { only: '{ns}' } } }),
    make('DaemonSet', 'd', {
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: podSpec({ nodeSelector: { only: '{ns}' } }) },
      },
    }),
    taint('a', { key: 'k', effect: 'NoExecute' }),
    taint('a', { key: 'k', effect: 'NoSchedule' }),
    taint('a'),
    patch('Node', '{ns}-a', { spec: { unschedulable: true } }),
    conditions('a', condition('Ready', 'False')),
    remove('Node', '{ns}-a'),
  ),
  story(
    'node/out of service',
    kinds,
    pods('away'),
    node('a'),
    pod('p', on('a', { tolerations: [{ operator: 'Exists' }] })),
    say('p', { set: 'ready' }),
    conditions('a', condition('Ready', 'False')),
    remove('Pod', 'p'),
    taint('a', { key: 'node.kubernetes.io/out-of-service', value: 'x', effect: 'NoExecute' }),
    wait(20),
  ),
  story(
    'node/pods of a node that goes',
    kinds,
    pods('away'),
    node('a'),
    pod('p', on('a')),
    pod('r', on('a', { restartPolicy: 'Never' })),
    say('p', { set: 'ready' }),
    say('r', { set: 'succeeded' }),
    remove('Node', '{ns}-a'),
    wait(45),
  ),
  story(
    'node/an unscheduled pod is deleted',
    kinds,
    pods('away'),
    make('Pod', 'p', { metadata: { finalizers: ['example.com/held'] }, spec: podSpec() }),
    remove('Pod', 'p'),
    wait(20),
  ),
  story(
    'node/gated and evicted',
    kinds,
    pods('away'),
    pod('p', { schedulingGates: [{ name: 'example.com/g' }] }),
    post('Pod', 'p', 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } }),
  ),
];
