// What a scheduler says when nothing fits, and whom it makes room for.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { labels, make, patch, podSpec, pods, remove, say, story, wait } from './words.ts';

const condition = {
  type: 'Ready',
  status: 'True',
  reason: 'R',
  message: 'm',
  lastHeartbeatTime: '{time:0}',
  lastTransitionTime: '{time:0}',
};
const node = (name: string, { room = {}, spec = {}, zone = name, labels: more = {}, status = {} }: Json = {}) => {
  const capacity = { cpu: '2', memory: '4Gi', pods: '10', 'ephemeral-storage': '10Gi', ...room };
  return make('Node', `{ns}-${name}`, {
    metadata: { labels: { 'kubernetes.io/hostname': `{ns}-${name}`, 'topology.kubernetes.io/zone': zone, ...more } },
    // Ties between nodes are broken by chance: the earlier in the alphabet the better.
    spec: { ...spec, taints: [...(spec.taints ?? []), ...soft(name)] },
    status: { capacity, allocatable: capacity, conditions: [condition], ...status },
  });
};
const soft = (name: string) =>
  Array.from({ length: name.charCodeAt(0) - 'a'.charCodeAt(0) }, (_, at) => ({
    key: `soft-${at}`,
    effect: 'PreferNoSchedule',
  }));
const ask = (cpu: string, more: Json = {}) => ({
  resources: {
    requests: { cpu, ...more },
    limits: Object.fromEntries(Object.entries(more).filter(([name]) => name.includes('/'))),
  },
});
const pod = (name: string, spec: Json = {}, container: Json = {}, metadata: Json = {}) =>
  make('Pod', name, { metadata: { labels, ...metadata }, spec: podSpec(spec, container) });
const near = (topologyKey: string, app = 'a') => [{ topologyKey, labelSelector: { matchLabels: { app } } }];
const apart = (topologyKey: string, app = 'a') => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near(topologyKey, app) } },
});
const together = (topologyKey: string, app = 'a') => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near(topologyKey, app) } },
});
const spread = (topologyKey: string, more: Json = {}) => ({
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: labels }, ...more },
  ],
});
const priority = (name: string, value: number, more: Json = {}) =>
  make('PriorityClass', `{ns}-${name}`, { value, ...more });
const high = { priorityClassName: '{ns}-high' };
const kinds = [
  'Node',
  'PriorityClass',
  'PodDisruptionBudget',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'StorageClass',
  'ResourceClaim',
  'ResourceSlice',
  'DeviceClass',
  'CSINode',
];
const tell = (title: string, ...steps: Step[]) => story(title, kinds, pods('ready'), ...steps);
const usesClaim = (...names: string[]) => ({
  volumes: names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
});
const storageClass = (rest: Json = {}) =>
  make('StorageClass', '{ns}', { provisioner: 'example.com/x', volumeBindingMode: 'WaitForFirstConsumer', ...rest });
const claim = (name: string, spec: Json = {}) =>
  make('PersistentVolumeClaim', name, {
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: '{ns}',
      resources: { requests: { storage: '1Gi' } },
      ...spec,
    },
  });
const volume = (name: string, node: string, spec: Json = {}) =>
  make('PersistentVolume', `{ns}-${name}`, {
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: '{ns}',
      local: { path: '/x' },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [`{ns}-${node}`] }] },
          ],
        },
      },
      ...spec,
    },
  });

const plainStories: readonly Story[] = [
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
    node('a', { status: { conditions: [{ ...condition, status: 'False' }] } }),
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

  tell('volume/claim missing', node('a'), pod('p', usesClaim('none')), claim('none', { storageClassName: '' })),
  tell('volume/claim lost', node('a'), claim('c', { volumeName: 'gone' }), pod('p', usesClaim('c'))),
  tell(
    'volume/claim being deleted',
    node('a'),
    storageClass(),
    make('PersistentVolumeClaim', 'c', {
      metadata: { finalizers: ['example.com/held'] },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: '{ns}', resources: { requests: { storage: '1Gi' } } },
    }),
    remove('PersistentVolumeClaim', 'c'),
    pod('p', usesClaim('c')),
  ),
  tell(
    'volume/unbound immediate and class missing',
    node('a'),
    claim('c'),
    pod('p', usesClaim('c')),
    storageClass({ volumeBindingMode: 'Immediate' }),
  ),
  tell(
    'volume/nothing to bind',
    node('a'),
    node('b'),
    make('StorageClass', '{ns}', {
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    }),
    claim('c'),
    pod('p', usesClaim('c')),
    volume('v', 'b'),
  ),
  tell(
    'volume/two claims, elsewhere',
    node('a'),
    node('b'),
    make('StorageClass', '{ns}', {
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    }),
    volume('v', 'a'),
    volume('w', 'b', { capacity: { storage: '5Gi' } }),
    claim('c'),
    claim('d', { resources: { requests: { storage: '4Gi' } } }),
    pod('p', usesClaim('c', 'd')),
  ),
  tell(
    'volume/provisioned where allowed',
    node('a'),
    node('b'),
    storageClass({
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'topology.kubernetes.io/zone', values: ['c'] }] }],
    }),
    claim('c'),
    pod('p', usesClaim('c')),
  ),
  tell('volume/waits for its provisioner', node('a'), storageClass(), claim('c'), pod('p', usesClaim('c'))),
  tell(
    'volume/the node of a bound one is gone',
    node('a'),
    storageClass(),
    volume('v', 'gone', { claimRef: { namespace: '{ns}', name: 'c' } }),
    claim('c', { volumeName: '{ns}-v' }),
    pod('p', usesClaim('c')),
  ),
  tell(
    'volume/once at a time',
    node('a'),
    node('b'),
    storageClass({ volumeBindingMode: 'Immediate' }),
    volume('v', 'a', { accessModes: ['ReadWriteOncePod'] }),
    claim('c', { accessModes: ['ReadWriteOncePod'] }),
    pod('p', usesClaim('c')),
    pod('q', usesClaim('c')),
  ),
  tell(
    'volume/same disk twice',
    node('a'),
    pod('p', { volumes: [{ name: 'v', gcePersistentDisk: { pdName: 'd' } }] }),
    pod('q', { volumes: [{ name: 'v', gcePersistentDisk: { pdName: 'd' } }] }),
    pod('r', {
      volumes: [{ name: 'v', iscsi: { targetPortal: '192.0.2.1', iqn: 'iqn.2001-04.com.example:x', lun: 1 } }],
    }),
  ),
  tell(
    'volume/zone of a volume',
    node('a'),
    node('b'),
    storageClass({ volumeBindingMode: 'Immediate' }),
    make('PersistentVolume', '{ns}-v', {
      metadata: { labels: { 'topology.kubernetes.io/zone': 'c' } },
      spec: {
        capacity: { storage: '2Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: '{ns}',
        hostPath: { path: '/x' },
      },
    }),
    claim('c'),
    pod('p', usesClaim('c')),
  ),
  tell(
    'volume/too many',
    node('a'),
    make('CSINode', '{ns}-a', {
      spec: { drivers: [{ name: 'example.com.x', nodeID: 'a', allocatable: { count: 1 } }] },
    }),
    storageClass({ volumeBindingMode: 'Immediate', provisioner: 'example.com.x' }),
    ...['v', 'w'].map((name) =>
      make('PersistentVolume', `{ns}-${name}`, {
        spec: {
          capacity: { storage: '2Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName: '{ns}',
          csi: { driver: 'example.com.x', volumeHandle: `{ns}-${name}` },
          claimRef: { namespace: '{ns}', name },
        },
      }),
    ),
    claim('v'),
    claim('w'),
    pod('p', usesClaim('v')),
    pod('q', usesClaim('w')),
  ),
];

const preemptionStories: readonly Story[] = [
  tell(
    'preempt/one victim',
    node('a'),
    priority('high', 100),
    pod('low', {}, ask('2')),
    pods('away'),
    pod('p', high, ask('2')),
    pods('ready'),
  ),
  tell(
    'preempt/never',
    node('a'),
    priority('high', 100, { preemptionPolicy: 'Never' }),
    pod('low', {}, ask('2')),
    pod('p', high, ask('2')),
  ),
  tell(
    'preempt/no use',
    node('a'),
    node('b', { labels: { disk: 'x' } }),
    priority('high', 100),
    pod('low', {}, ask('2')),
    pod('p', { ...high, nodeSelector: { disk: 'y' } }, ask('2')),
    pod('q', high, ask('5')),
  ),
  tell(
    'preempt/some help, some do not',
    node('a', { room: { cpu: '1' } }),
    node('b', { spec: { unschedulable: true } }),
    node('c'),
    priority('high', 100),
    priority('low', 10),
    pod('l', { priorityClassName: '{ns}-high', nodeSelector: { 'topology.kubernetes.io/zone': 'c' } }, ask('2')),
    pod('p', high, ask('1500m')),
  ),
  tell(
    'preempt/equals are left',
    node('a'),
    priority('high', 100),
    pod('low', high, ask('2')),
    pod('p', high, ask('2')),
  ),
  tell(
    'preempt/victims hold on',
    node('a'),
    node('b'),
    priority('high', 100),
    pods('away'),
    make('Pod', 'low', {
      metadata: { labels, finalizers: ['example.com/held'] },
      spec: podSpec({ nodeName: '{ns}-a', terminationGracePeriodSeconds: 300 }, ask('2')),
    }),
    pod('low2', { nodeName: '{ns}-b' }, ask('2')),
    say('low', { set: 'ready' }),
    pod('p', high, ask('2')),
    pod('q', high, ask('2')),
    pods('ready'),
    patch('Pod', 'low', { metadata: { finalizers: null } }),
  ),
  tell(
    'preempt/budget in the way',
    node('a'),
    priority('high', 100),
    pod('low', {}, ask('2')),
    make('PodDisruptionBudget', 'b', { spec: { minAvailable: 1, selector: { matchLabels: labels } } }),
    pod('p', high, ask('2'), { labels: { app: 'z' } }),
  ),
  tell(
    'preempt/several small',
    node('a'),
    priority('high', 100),
    priority('mid', 50),
    ...['1', '2', '3', '4'].map((name) =>
      pod(`l${name}`, name === '2' ? { priorityClassName: '{ns}-mid' } : {}, ask('500m')),
    ),
    pod('p', high, ask('1'), { labels: { app: 'z' } }),
  ),
  tell(
    'preempt/a port',
    node('a'),
    priority('high', 100),
    pod('low', {}, { ports: [{ containerPort: 80, hostPort: 80 }] }),
    pod('p', high, { ports: [{ containerPort: 80, hostPort: 80 }] }),
  ),
  tell(
    'preempt/spread',
    node('a'),
    node('b', { room: { cpu: '100m' } }),
    priority('high', 100),
    pod('low', {}, ask('1')),
    pod('p', { ...high, ...spread('kubernetes.io/hostname') }, ask('500m')),
  ),
  tell(
    'preempt/a waiting pod of higher rank comes first',
    node('a'),
    priority('high', 100),
    pods('away'),
    pod('low', { nodeName: '{ns}-a', terminationGracePeriodSeconds: 100 }, ask('2')),
    say('low', { set: 'ready' }),
    pod('p', high, ask('2')),
    pod('q', {}, ask('100m')),
    remove('Pod', 'p'),
    wait(1),
  ),
];

const slice = (name: string, devices: Json[], more: Json = {}) =>
  make('ResourceSlice', `{ns}-${name}`, {
    spec: {
      driver: '{ns}.example.com',
      nodeName: `{ns}-${name}`,
      pool: { name: `{ns}-${name}`, generation: 1, resourceSliceCount: 1 },
      devices,
      ...more,
    },
  });
const deviceClass = (rest: Json = {}) =>
  make('DeviceClass', '{ns}', {
    spec: { selectors: [{ cel: { expression: 'device.driver == "{ns}.example.com"' } }], ...rest },
  });
const exactly = (more: Json = {}) => ({ name: 'r', exactly: { deviceClassName: '{ns}', ...more } });
const devices = (name: string, request: Json, more: Json = {}) =>
  make('ResourceClaim', name, { spec: { devices: { requests: [request], ...more } } });
const usesDevice = (name: string) =>
  [{ resourceClaims: [{ name: 'd', resourceClaimName: name }] }, { resources: { claims: [{ name: 'd' }] } }] as const;
const d = (name: string, more: Json = {}) => ({ name, ...more });

const deviceStories: readonly Story[] = [
  tell(
    'device/class missing',
    node('a'),
    slice('a', [d('0')]),
    devices('c', { name: 'r', exactly: { deviceClassName: 'nothing' } }),
    pod('p', ...usesDevice('c')),
    remove('ResourceClaim', 'c'),
  ),
  tell(
    'device/more than there are',
    node('a'),
    node('b'),
    deviceClass(),
    slice('a', [d('0')]),
    devices('c', exactly({ count: 2 })),
    pod('p', ...usesDevice('c')),
    slice('b', [d('0'), d('1')]),
  ),
  tell(
    'device/all of a node',
    node('a'),
    deviceClass(),
    slice('a', [d('0'), d('1')]),
    devices('c', exactly({ allocationMode: 'All' })),
    pod('p', ...usesDevice('c')),
    devices('e', exactly({ allocationMode: 'All' })),
    pod('q', ...usesDevice('e')),
  ),
  tell(
    'device/first available',
    node('a'),
    deviceClass(),
    slice('a', [d('0'), d('1')]),
    devices('c', {
      name: 'r',
      firstAvailable: [
        { name: 'many', deviceClassName: '{ns}', count: 3 },
        { name: 'few', deviceClassName: '{ns}', count: 2 },
      ],
    }),
    pod('p', ...usesDevice('c')),
  ),
  tell(
    'device/constraint',
    node('a'),
    deviceClass(),
    slice('a', [d('0', { attributes: { m: { string: 'x' } } }), d('1', { attributes: { m: { string: 'y' } } })]),
    make('ResourceClaim', 'c', {
      spec: {
        devices: {
          requests: [{ name: 'r', exactly: { deviceClassName: '{ns}', count: 2 } }],
          constraints: [{ requests: ['r'], matchAttribute: '{ns}.example.com/m' }],
        },
      },
    }),
    pod('p', ...usesDevice('c')),
  ),
  tell(
    'device/taint',
    node('a'),
    deviceClass(),
    slice('a', [d('0', { taints: [{ key: 'k', effect: 'NoSchedule' }] })]),
    devices('c', exactly()),
    pod('p', ...usesDevice('c')),
    devices('e', exactly({ tolerations: [{ key: 'k', operator: 'Exists' }] })),
    pod('q', ...usesDevice('e')),
  ),
  tell(
    'device/taint evicts',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    devices('c', exactly()),
    pod('p', ...usesDevice('c')),
    patch('ResourceSlice', '{ns}-a', { spec: { devices: [d('0', { taints: [{ key: 'k', effect: 'NoExecute' }] })] } }),
  ),
  tell(
    'device/bad selector',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    devices(
      'c',
      exactly({ selectors: [{ cel: { expression: 'device.attributes["{ns}.example.com"].none == "z"' } }] }),
    ),
    pod('p', ...usesDevice('c')),
  ),
  tell(
    'device/partitions',
    node('a'),
    deviceClass(),
    slice(
      'a',
      [
        d('0', { consumesCounters: [{ counterSet: 's', counters: { m: { value: '6' } } }] }),
        d('1', { consumesCounters: [{ counterSet: 's', counters: { m: { value: '6' } } }] }),
      ],
      { pool: { name: '{ns}-a', generation: 1, resourceSliceCount: 2 } },
    ),
    make('ResourceSlice', '{ns}-s', {
      spec: {
        driver: '{ns}.example.com',
        nodeName: '{ns}-a',
        pool: { name: '{ns}-a', generation: 1, resourceSliceCount: 2 },
        sharedCounters: [{ name: 's', counters: { m: { value: '10' } } }],
      },
    }),
    devices('c', exactly()),
    pod('p', ...usesDevice('c')),
    devices('e', exactly()),
    pod('q', ...usesDevice('e')),
  ),
  tell(
    'device/shared capacity',
    node('a'),
    deviceClass(),
    slice('a', [d('0', { allowMultipleAllocations: true, capacity: { m: { value: '10Gi' } } })]),
    devices('c', exactly({ capacity: { requests: { m: '6Gi' } } })),
    pod('p', ...usesDevice('c')),
    devices('e', exactly({ capacity: { requests: { m: '6Gi' } } })),
    pod('q', ...usesDevice('e')),
  ),
  tell(
    'device/claim goes when its pods have',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    devices('c', exactly()),
    pod('p', ...usesDevice('c')),
    pod('q', ...usesDevice('c')),
    remove('Pod', 'p'),
    remove('Pod', 'q'),
    remove('ResourceClaim', 'c'),
  ),
  tell(
    'device/template missing, then there',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    pod(
      'p',
      { resourceClaims: [{ name: 'd', resourceClaimTemplateName: 't' }] },
      { resources: { claims: [{ name: 'd' }] } },
    ),
    make('ResourceClaimTemplate', 't', {
      metadata: { labels },
      spec: { metadata: { labels: { from: 't' } }, spec: { devices: { requests: [exactly()] } } },
    }),
    remove('Pod', 'p'),
  ),
  tell(
    'device/extended resource of a class',
    node('a'),
    node('b'),
    deviceClass({ extendedResourceName: 'example.com/{ns}' }),
    slice('a', [d('0'), d('1')]),
    pod('p', {}, ask('100m', { 'example.com/{ns}': '1' })),
    pod('q', {}, ask('100m', { 'example.com/{ns}': '1' })),
    pod('r', {}, ask('100m', { 'example.com/{ns}': '1' })),
    remove('Pod', 'p'),
  ),
  tell(
    'device/implicit extended resource',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    pod('p', {}, ask('100m', { 'deviceclass.resource.kubernetes.io/{ns}': '1' })),
    pod('q', {}, ask('100m', { 'deviceclass.resource.kubernetes.io/{ns}': '2' })),
  ),
  tell(
    'device/extended resource that a plugin has',
    node('a', { room: { 'example.com/gpu': '1' } }),
    node('b'),
    make('DeviceClass', '{ns}', {
      spec: {
        extendedResourceName: 'example.com/gpu',
        selectors: [{ cel: { expression: 'device.driver == "{ns}.example.com"' } }],
      },
    }),
    slice('b', [d('0')]),
    pod('p', {}, ask('100m', { 'example.com/gpu': '1' })),
    pod('q', {}, ask('100m', { 'example.com/gpu': '1' })),
    pod('r', {}, ask('100m', { 'example.com/gpu': '1' })),
  ),
  tell(
    'device/feature that the node does not declare',
    node('a'),
    node('b', { status: { declaredFeatures: ['GuaranteedQoSPodCPUResize'] } }),
    pod('p', {}, ask('100m')),
  ),
];

export const schedulerStories: readonly Story[] = [...plainStories, ...preemptionStories, ...deviceStories];
