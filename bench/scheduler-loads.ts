// Nodes and pods like those of upstream's scheduler benchmark.
import type { Affinity, Node, Pod, PodSpec } from '../generated/core-v1.ts';

const zones = 3;
const started = '2026-01-02T03:04:05Z';

export const aNode = (index: number): Node => ({
  metadata: {
    name: `node-${String(index).padStart(5, '0')}`,
    labels: {
      'kubernetes.io/hostname': `node-${String(index).padStart(5, '0')}`,
      'topology.kubernetes.io/zone': `zone-${index % zones}`,
    },
  },
  spec: {},
  status: { allocatable: { cpu: '32', memory: '128Gi', pods: '300' } },
});

export interface Sketch {
  readonly cpu?: string;
  readonly memory?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: string;
  readonly spec?: Partial<PodSpec>;
}

export function aPod(
  name: string,
  { cpu = '100m', memory = '500Mi', labels = {}, owner, spec = {} }: Sketch = {},
): Pod {
  const resources = { requests: { cpu, memory } };
  const ownerReferences = owner
    ? [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }]
    : undefined;
  return {
    metadata: {
      name,
      namespace: 'load',
      uid: name,
      creationTimestamp: started,
      labels,
      ...(ownerReferences ? { ownerReferences } : {}),
    },
    spec: {
      schedulerName: 'default-scheduler',
      priority: 0,
      containers: [{ name: 'main', image: 'example.invalid/app:1', resources }],
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}

const near = (app: string, topologyKey: string) => [{ labelSelector: { matchLabels: { app } }, topologyKey }];
const affine = (affinity: Affinity) => ({ spec: { affinity } });

/** What one pending pod of each load is like; `index` counts up. */
export const loads: Readonly<Record<string, (index: number) => Sketch>> = {
  basic: () => ({}),
  'of 100 ReplicaSets': (index) => ({ owner: `rs-${index % 100}`, labels: { app: `rs-${index % 100}` } }),
  'all different': (index) => ({ labels: { app: 'set', 'statefulset.kubernetes.io/pod-name': `set-${index}` } }),
  'node affinity': () =>
    affine({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: ['zone-0', 'zone-9'] }],
            },
          ],
        },
      },
    }),
  'pod affinity': () => ({
    labels: { app: 'blue' },
    ...affine({
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near('blue', 'topology.kubernetes.io/zone') },
    }),
  }),
  'pod anti-affinity': () => ({
    labels: { app: 'green' },
    ...affine({
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near('green', 'kubernetes.io/hostname') },
    }),
  }),
  'preferred pod affinity': () => ({
    labels: { app: 'red' },
    ...affine({
      podAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, podAffinityTerm: near('red', 'kubernetes.io/hostname')[0]! },
        ],
      },
    }),
  }),
  spreading: () => ({
    labels: { app: 'spread' },
    spec: {
      topologySpreadConstraints: [
        {
          maxSkew: 5,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'spread' } },
        },
      ],
    },
  }),
  preemption: () => ({ cpu: '24', spec: { priority: 1000 } }),
};
