// Budgets and quotas.
import type { Json } from '../side.ts';
import type { Story } from '../stories.ts';
import { labels, make, patch, pod, podSpec, pods, post, remove, say, story, template, wait } from './words.ts';

const budgets = ['PodDisruptionBudget', 'Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController', 'Job'];
const budget = (spec: Json, name = 'b') =>
  make('PodDisruptionBudget', name, { spec: { selector: { matchLabels: labels }, ...spec } });
const deployment = (replicas: number, name = 'd') =>
  make('Deployment', name, {
    spec: {
      replicas,
      selector: { matchLabels: { ...labels, name } },
      template: template({}, { labels: { ...labels, name } }),
    },
  });
const evict = (name: string) =>
  post('Pod', name, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } });
const owner = (kind: string, apiVersion: string, name = 'o') => ({
  ownerReferences: [{ apiVersion, kind, name, uid: '11111111-1111-1111-1111-111111111111', controller: true }],
});
const quotas = ['ResourceQuota', 'Service', 'PersistentVolumeClaim', 'Deployment', 'ReplicaSet', 'ConfigMap', 'Secret'];
const quota = (hard: Json, spec: Json = {}, name = 'q') => make('ResourceQuota', name, { spec: { hard, ...spec } });
const resources = (cpu: string, limit?: string) => ({
  requests: { cpu, memory: '10Mi' },
  ...(limit ? { limits: { cpu: limit } } : {}),
});
const sized = (name: string, cpu: string, limit?: string, spec: Json = {}) =>
  make('Pod', name, { metadata: { labels }, spec: podSpec(spec, { resources: resources(cpu, limit) }) });

export const policyStories: readonly Story[] = [
  story(
    'pdb/nothing',
    budgets,
    budget({ minAvailable: 1 }),
    budget({ maxUnavailable: '50%' }, 'c'),
    budget({ minAvailable: '0%', selector: {} }, 'd'),
  ),
  story(
    'pdb/no selector',
    budgets,
    pods('ready'),
    pod('p'),
    budget({ minAvailable: 1, selector: null }),
    budget({ minAvailable: 1, selector: {} }, 'c'),
  ),
  story(
    'pdb/huge',
    budgets,
    pods('ready'),
    deployment(2),
    budget({ minAvailable: 1000000 }),
    budget({ maxUnavailable: '1000%' }, 'c'),
    budget({ maxUnavailable: 1000 }, 'd'),
  ),
  story(
    'pdb/mixed owners',
    budgets,
    pods('ready'),
    deployment(2),
    pod('bare'),
    budget({ maxUnavailable: 1 }),
    remove('Pod', 'bare'),
  ),
  story(
    'pdb/mixed owners, minAvailable number',
    budgets,
    pods('ready'),
    deployment(2),
    pod('bare'),
    budget({ minAvailable: 2 }),
    deployment(1, 'e'),
  ),
  story(
    'pdb/two deployments in percent',
    budgets,
    pods('ready'),
    deployment(3),
    deployment(2, 'e'),
    budget({ maxUnavailable: '34%' }),
    patch('Deployment', 'd', { spec: { replicas: 5 } }),
  ),
  story(
    'pdb/owner of an unknown kind',
    budgets,
    pods('ready'),
    make('Pod', 'p', { metadata: { labels, ...owner('Thing', 'example.com/v1') }, spec: podSpec() }),
    budget({ maxUnavailable: 1 }),
  ),
  story(
    'pdb/an owner that scales: job',
    budgets,
    pods('ready'),
    make('Job', 'j', { spec: { parallelism: 2, completions: 2, template: template({ restartPolicy: 'Never' }) } }),
    budget({ maxUnavailable: 1 }),
  ),
  story(
    'pdb/statefulset and controller',
    budgets,
    pods('ready'),
    make('StatefulSet', 's', {
      spec: {
        replicas: 2,
        serviceName: 's',
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: template(),
      },
    }),
    make('ReplicationController', 'r', {
      spec: { replicas: 2, selector: { ...labels, x: 'y' }, template: template({}, { labels: { ...labels, x: 'y' } }) },
    }),
    budget({ maxUnavailable: '25%' }),
  ),
  story(
    'pdb/evicted while it heals',
    budgets,
    pods('ready'),
    deployment(3),
    pods('stay'),
    budget({ minAvailable: 2 }),
    say('.', { set: 'unready' }),
    pods('ready'),
  ),
  story(
    'pdb/evictions',
    budgets,
    pods('away'),
    budget({ maxUnavailable: 1, selector: {} }),
    make('StatefulSet', 's', {
      spec: {
        replicas: 3,
        serviceName: 's',
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: template({ nodeName: 'n1' }),
      },
    }),
    say('.', { set: 'ready' }),
    evict('s-0'),
    evict('s-1'),
    patch('PodDisruptionBudget', 'b', { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } }),
    evict('s-1'),
    remove('PodDisruptionBudget', 'b'),
    evict('s-2'),
  ),
  story(
    'pdb/a pod that was asked to go but stays',
    budgets,
    pods('ready'),
    deployment(2),
    budget({ minAvailable: 1 }),
    patch(
      'PodDisruptionBudget',
      'b',
      { status: { disruptedPods: { gone: '{time:0}', old: '{time:-300}' } } },
      { subresource: 'status' },
    ),
  ),
  story(
    'pdb/disrupted pods out of time',
    budgets,
    pods('ready'),
    pod('p'),
    budget({ minAvailable: 0 }),
    patch('PodDisruptionBudget', 'b', { status: { disruptedPods: { p: '{time:-200}' } } }, { subresource: 'status' }),
  ),
  story(
    'pdb/disruption condition left by nobody',
    budgets,
    pods('away'),
    pod('p', { nodeName: 'n1' }),
    say('p', {
      set: 'ready',
      conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'X', lastTransitionTime: '{time:-200}' }],
    }),
  ),

  story(
    'quota/scopes',
    quotas,
    pods('stay'),
    quota({ pods: '5' }, { scopes: ['BestEffort'] }),
    quota({ pods: '5', 'requests.cpu': '2' }, { scopes: ['NotBestEffort'] }, 'n'),
    quota({ pods: '3' }, { scopes: ['NotTerminating'] }, 't'),
    wait(2),
    sized('p', '100m'),
    pod('q'),
    make('Pod', 'r', { spec: podSpec({ activeDeadlineSeconds: 100 }) }),
    remove('Pod', 'q'),
  ),
  story(
    'quota/scope selector',
    quotas,
    pods('stay'),
    make('PriorityClass', '{ns}', { value: 5 }),
    quota(
      { pods: '1' },
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['{ns}'] }] } },
    ),
    quota(
      { pods: '1' },
      { scopeSelector: { matchExpressions: [{ scopeName: 'CrossNamespacePodAffinity', operator: 'Exists' }] } },
      'x',
    ),
    wait(2),
    pod('p', { priorityClassName: '{ns}' }),
    pod('q', { priorityClassName: '{ns}' }),
    pod('r', {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: 'k', namespaces: ['other'], labelSelector: {} },
          ],
        },
      },
    }),
  ),
  story(
    'quota/services',
    quotas,
    quota({ services: '5', 'services.nodeports': '3', 'services.loadbalancers': '1' }),
    wait(2),
    make('Service', 'a', { spec: { type: 'LoadBalancer', ports: [{ port: 1 }] } }),
    make('Service', 'b', {
      spec: {
        type: 'NodePort',
        ports: [
          { port: 1, name: 'a' },
          { port: 2, name: 'b' },
        ],
      },
    }),
    make('Service', 'c', {
      spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 1 }] },
    }),
    patch('Service', 'b', { spec: { type: 'ClusterIP', ports: [{ port: 1, name: 'a' }] } }),
    remove('Service', 'a'),
  ),
  story(
    'quota/claims',
    quotas,
    quota({
      persistentvolumeclaims: '2',
      'requests.storage': '5Gi',
      'gold.storageclass.storage.k8s.io/requests.storage': '2Gi',
      'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    }),
    wait(2),
    ...['a', 'b', 'c'].map((name) =>
      make('PersistentVolumeClaim', name, {
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: name === 'b' ? 'silver' : 'gold',
          resources: { requests: { storage: '1500Mi' } },
        },
      }),
    ),
    remove('PersistentVolumeClaim', 'a'),
  ),
  story(
    'quota/claims by attributes class',
    quotas,
    quota(
      { persistentvolumeclaims: '1' },
      {
        scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['gold'] }] },
      },
    ),
    wait(2),
    make('PersistentVolumeClaim', 'a', {
      spec: {
        accessModes: ['ReadWriteOnce'],
        volumeAttributesClassName: 'gold',
        resources: { requests: { storage: '1Gi' } },
      },
    }),
    make('PersistentVolumeClaim', 'b', {
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    }),
  ),
  story(
    'quota/sums',
    quotas,
    pods('stay'),
    quota({
      cpu: '2',
      'limits.cpu': '3',
      'requests.memory': '1Gi',
      'requests.example.com/gpu': '2',
      'count/pods': '10',
      'requests.ephemeral-storage': '1Gi',
    }),
    wait(2),
    sized('p', '500m', '1'),
    make('Pod', 'q', {
      spec: podSpec(
        {
          initContainers: [
            {
              name: 'i',
              image: 'i',
              resources: { requests: { cpu: '1', memory: '1Mi', 'ephemeral-storage': '1Mi' }, limits: { cpu: '1' } },
            },
          ],
        },
        {
          resources: {
            requests: { cpu: '100m', memory: '1Mi', 'example.com/gpu': '1', 'ephemeral-storage': '1Mi' },
            limits: { cpu: '100m', 'example.com/gpu': '1' },
          },
        },
      ),
    }),
    say('q', { set: 'succeeded' }),
    remove('Pod', 'p'),
  ),
  story(
    'quota/objects of a kind',
    quotas,
    quota({
      'count/configmaps': '3',
      configmaps: '4',
      'count/secrets': '1',
      secrets: '5',
      'count/deployments.apps': '1',
      'count/replicasets.apps': '1',
      'count/things.example.com': '1',
      'count/nodes': '1',
    }),
    wait(2),
    make('ConfigMap', 'a'),
    make('ConfigMap', 'b'),
    make('ConfigMap', 'c'),
    make('Deployment', 'd', { spec: { replicas: 0, selector: { matchLabels: labels }, template: template() } }),
    remove('ConfigMap', 'a'),
    patch('ResourceQuota', 'q', { spec: { hard: { configmaps: null, 'count/secrets': '0' } } }),
  ),
  story(
    'quota/status overwritten',
    quotas,
    pods('stay'),
    quota({ pods: '2' }),
    pod('p'),
    patch(
      'ResourceQuota',
      'q',
      { status: { hard: { pods: '9' }, used: { pods: '7', x: '1' } } },
      { subresource: 'status' },
    ),
  ),
  story(
    'quota/deployment refused',
    [...quotas, 'Deployment'],
    pods('ready'),
    quota({ pods: '1', 'requests.cpu': '1' }),
    wait(2),
    make('Deployment', 'd', { spec: { replicas: 2, selector: { matchLabels: labels }, template: template() } }),
    patch('ResourceQuota', 'q', { spec: { hard: { pods: '1', 'requests.cpu': null } } }),
    patch('Deployment', 'd', { spec: { replicas: 1 } }),
  ),
  story(
    'quota/device class',
    [...quotas, 'ResourceClaim'],
    quota({ 'gold.deviceclass.resource.k8s.io/devices': '2' }),
    wait(2),
    make('ResourceClaim', 'a', {
      spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gold', count: 2 } }] } },
    }),
    make('ResourceClaim', 'b', {
      spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gold' } }] } },
    }),
  ),
];
