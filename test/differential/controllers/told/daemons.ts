// DaemonSets, and nodes that change under them. Each story has nodes of its own.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { labels, make, patch, pod, podSpec, pods, remove, removeAll, say, story, wait } from './words.ts';

const kinds = ['DaemonSet', 'ControllerRevision', 'Node'];
const heartbeat = { lastHeartbeatTime: '{time:0}', lastTransitionTime: '{time:0}' };
const ready = { type: 'Ready', status: 'True', reason: 'R', message: 'm', ...heartbeat };
const room = { cpu: '4', memory: '8Gi', pods: '110' };
const node = (name: string, { labels: more = {}, spec = {}, room: own = {} }: Json = {}) =>
  make('Node', `{ns}-${name}`, {
    metadata: { labels: { only: '{ns}', 'kubernetes.io/hostname': `{ns}-${name}`, ...more } },
    spec,
    status: { capacity: { ...room, ...own }, allocatable: { ...room, ...own }, conditions: [ready] },
  });
const daemons = (spec: Json = {}, pods: Json = {}, container: Json = {}) =>
  make('DaemonSet', 'd', {
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec({ nodeSelector: { only: '{ns}' }, ...pods }, container) },
      ...spec,
    },
  });
const image = (name: string) =>
  patch('DaemonSet', 'd', { spec: { template: { spec: { containers: [{ name: 'c', image: name }] } } } });
const change = (name: string, body: Json) => patch('Node', `{ns}-${name}`, body);
const term = (key: string, operator: string, ...values: string[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, ...(values.length > 0 ? { values } : {}) }] }],
      },
    },
  },
});
const tell = (title: string, ...steps: Step[]) => story(`daemon/${title}`, kinds, pods('ready'), ...steps);

export const daemonStories: readonly Story[] = [
  tell('a node comes and goes', node('a'), daemons(), node('b'), remove('Node', '{ns}-a'), wait(1)),
  tell(
    'a node loses the label and has it again',
    node('a', { labels: { disk: 'ssd' } }),
    node('b', { labels: { disk: 'ssd' } }),
    daemons({}, { nodeSelector: { only: '{ns}', disk: 'ssd' } }),
    change('a', { metadata: { labels: { disk: null } } }),
    change('a', { metadata: { labels: { disk: 'ssd' } } }),
  ),
  tell(
    'taints come, and some are tolerated',
    node('a'),
    node('b', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } }),
    node('c', { spec: { taints: [{ key: 'k', value: 'w', effect: 'NoExecute' }] } }),
    daemons({}, { tolerations: [{ key: 'k', value: 'v' }] }),
    change('a', { spec: { taints: [{ key: 'x', effect: 'NoExecute' }] } }),
    change('c', { spec: { taints: [{ key: 'k', value: 'w', effect: 'PreferNoSchedule' }] } }),
  ),
  tell(
    'affinity greater than',
    node('a', { labels: { size: '5' } }),
    node('b', { labels: { size: '50' } }),
    node('c', { labels: { size: 'x' } }),
    daemons({}, term('size', 'Gt', '10')),
  ),
  tell(
    'affinity without a label',
    node('a', { labels: { disk: 'x' } }),
    node('b'),
    daemons({}, term('disk', 'DoesNotExist')),
  ),
  tell(
    'nodes that are cordoned and not ready',
    node('a', { spec: { unschedulable: true } }),
    node('b'),
    daemons(),
    patch('Node', '{ns}-b', { status: { conditions: [{ ...ready, status: 'False' }] } }, { subresource: 'status' }),
    image('i2'),
  ),
  tell('one node is named', node('a'), node('b'), daemons({}, { nodeName: '{ns}-b' })),
  tell(
    'too large for one',
    node('a', { room: { cpu: '100m' } }),
    node('b'),
    daemons({}, {}, { resources: { requests: { cpu: '1' } } }),
  ),
  tell('two pods on one node', node('a'), daemons(), pod('p', { nodeName: '{ns}-a' }, { labels })),
  tell(
    'two at a time',
    node('a'),
    node('b'),
    node('c'),
    daemons({ updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } }),
    pods('unready'),
    image('i2'),
    pods('ready'),
  ),
  tell(
    'unready pods go first',
    node('a'),
    node('b'),
    daemons(),
    pods('stay'),
    say('.', { set: 'unready' }),
    image('i2'),
    pods('ready'),
  ),
  tell(
    'surge with a host port',
    node('a'),
    daemons(
      { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
      {},
      { ports: [{ containerPort: 80, hostPort: 80 }] },
    ),
  ),
  tell(
    'surge, and the old one fails',
    node('a'),
    daemons({ updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }),
    pods('stay'),
    image('i2'),
    say('.', { set: 'unready' }),
    pods('ready'),
  ),
  tell('orphaned and adopted', node('a'), daemons(), remove('DaemonSet', 'd', 'Orphan'), daemons()),
  tell(
    'orphaned, adopted, another image',
    node('a'),
    daemons(),
    remove('DaemonSet', 'd', 'Orphan'),
    daemons({}, {}, { image: 'i2' }),
  ),
  tell('deleted in the foreground', node('a'), daemons(), remove('DaemonSet', 'd', 'Foreground')),
  tell('a pod that succeeds', node('a'), daemons(), pods('stay'), say('.', { set: 'succeeded' }), pods('ready')),
  tell('available later', node('a'), node('b'), daemons({ minReadySeconds: 4 }), wait(5), image('i2'), wait(12)),
  tell(
    'neither surge nor unavailable',
    node('a'),
    daemons({ updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } }),
  ),
  tell('pods that never restart', node('a'), daemons({}, { restartPolicy: 'Never' })),
  tell(
    'surge, and the pod is deleted',
    node('a'),
    daemons({ updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }),
    pods('away'),
    say('.', { set: 'ready' }),
    removeAll('Pod'),
    say('.', { set: 'ready' }),
  ),
  tell(
    'surge onto nodes that may no longer be used',
    node('a'),
    node('b'),
    daemons({ updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }),
    change('a', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }),
    pods('stay'),
    image('i2'),
    pods('ready'),
  ),
  tell(
    'the node of a waiting pod goes',
    node('a'),
    pods('away'),
    daemons(),
    remove('Node', '{ns}-a'),
    wait(1),
    patch('DaemonSet', 'd', { spec: { minReadySeconds: 1 } }),
  ),
  tell(
    'a failed pod that is held',
    node('a'),
    daemons({
      template: {
        metadata: { labels, finalizers: ['example.com/held'] },
        spec: podSpec({ nodeSelector: { only: '{ns}' } }),
      },
    }),
    pods('stay'),
    say('.', { set: 'failed' }),
    pods('ready'),
    image('i2'),
  ),
];
