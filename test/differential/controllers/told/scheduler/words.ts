// Nodes and pods for a scheduler, in short words.
import type { Json } from '../../side.ts';
import type { Step } from '../../stories.ts';
import { labels, make, podSpec, pods, story } from '../words.ts';

export const condition = {
  type: 'Ready',
  status: 'True',
  reason: 'R',
  message: 'm',
  lastHeartbeatTime: '{time:0}',
  lastTransitionTime: '{time:0}',
};
export const node = (
  name: string,
  { room = {}, spec = {}, zone = name, labels: more = {}, status = {} }: Json = {},
) => {
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
export const ask = (cpu: string, more: Json = {}) => ({
  resources: {
    requests: { cpu, ...more },
    limits: Object.fromEntries(Object.entries(more).filter(([name]) => name.includes('/'))),
  },
});
export const pod = (name: string, spec: Json = {}, container: Json = {}, metadata: Json = {}) =>
  make('Pod', name, { metadata: { labels, ...metadata }, spec: podSpec(spec, container) });
export const near = (topologyKey: string, app = 'a') => [{ topologyKey, labelSelector: { matchLabels: { app } } }];
export const apart = (topologyKey: string, app = 'a') => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near(topologyKey, app) } },
});
export const together = (topologyKey: string, app = 'a') => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near(topologyKey, app) } },
});
export const spread = (topologyKey: string, more: Json = {}) => ({
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: labels }, ...more },
  ],
});
export const priority = (name: string, value: number, more: Json = {}) =>
  make('PriorityClass', `{ns}-${name}`, { value, ...more });
export const high = { priorityClassName: '{ns}-high' };
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
export const tell = (title: string, ...steps: Step[]) => story(title, kinds, pods('ready'), ...steps);
export const usesClaim = (...names: string[]) => ({
  volumes: names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
});
export const storageClass = (rest: Json = {}) =>
  make('StorageClass', '{ns}', { provisioner: 'example.com/x', volumeBindingMode: 'WaitForFirstConsumer', ...rest });
export const claim = (name: string, spec: Json = {}) =>
  make('PersistentVolumeClaim', name, {
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: '{ns}',
      resources: { requests: { storage: '1Gi' } },
      ...spec,
    },
  });
export const volume = (name: string, node: string, spec: Json = {}) =>
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
