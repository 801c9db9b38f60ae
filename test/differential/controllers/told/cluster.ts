// What keeps a cluster in order: garbage, namespaces, accounts, certificates, roles, tokens.
import type { Json } from '../side.ts';
import type { Story } from '../stories.ts';
import { labels, make, patch, pod, podSpec, pods, remove, story, template, wait } from './words.ts';

const map = (name: string, metadata: Json = {}) => make('ConfigMap', name, { metadata });
const none = '11111111-1111-1111-1111-111111111111';
const owner = (name: string, more: Json = {}) => ({
  ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid: none, ...more }],
});
const maps = ['ConfigMap', 'Secret', 'ServiceAccount'];
const role = (name: string, rest: Json) => make('ClusterRole', `{ns}-${name}`, rest);
const rule = (resource: string, ...verbs: string[]) => ({ apiGroups: [''], resources: [resource], verbs });

export const clusterStories: readonly Story[] = [
  story(
    'gc/owner of an unknown kind',
    maps,
    map('a', owner('x', { apiVersion: 'example.com/v1', kind: 'Thing' })),
    wait(3),
  ),
  story('gc/owner never was', maps, map('a', owner('x')), wait(3)),
  story('gc/owner of the cluster that never was', maps, map('a', owner('x', { kind: 'Node' })), wait(3)),
  story(
    'gc/cluster object owned from within',
    [...maps, 'ClusterRole'],
    role('r', { metadata: owner('x'), rules: [] }),
    wait(4),
  ),
  story(
    'gc/deployment in the foreground',
    ['Deployment', 'ReplicaSet'],
    pods('ready'),
    make('Deployment', 'd', { spec: { replicas: 2, selector: { matchLabels: labels }, template: template() } }),
    remove('Deployment', 'd', 'Foreground'),
  ),
  story(
    'gc/pods hold up their owner',
    ['ReplicaSet'],
    pods('away'),
    make('ReplicaSet', 'r', {
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels, finalizers: ['example.com/held'] }, spec: podSpec() },
      },
    }),
    remove('ReplicaSet', 'r', 'Foreground'),
  ),
  story(
    'gc/orphaned by their controllers',
    ['ReplicaSet', 'ReplicationController'],
    pods('ready'),
    make('ReplicationController', 'r', { spec: { replicas: 1, selector: labels, template: template() } }),
    remove('ReplicationController', 'r', 'Orphan'),
    make('ReplicaSet', 'r', { spec: { replicas: 2, selector: { matchLabels: labels }, template: template() } }),
    remove('ReplicaSet', 'r'),
  ),

  story(
    'ns/finalizers and pods',
    ['Namespace', ...maps],
    pods('away'),
    make('Namespace', '{ns}-x', { metadata: { labels: { a: 'b' } } }),
    make('Namespace', '{ns}-y', { spec: { finalizers: ['example.com/mine', 'kubernetes'] } }),
    remove('Namespace', '{ns}-x'),
    remove('Namespace', '{ns}-y'),
    wait(5),
    patch('Namespace', '{ns}-y', { spec: { finalizers: [] } }),
  ),
  story(
    'ns/held by what is in it',
    ['Namespace', ...maps],
    pods('away'),
    map('a', { finalizers: ['example.com/held'] }),
    make('Pod', 'p', { metadata: { finalizers: ['example.com/held', 'example.com/more'] }, spec: podSpec() }),
    make('Pod', 'q', { spec: podSpec({ nodeName: 'n1' }) }),
    make('Secret', 's', { metadata: { finalizers: ['example.com/held'] } }),
    remove('Namespace', '{ns}'),
    wait(8),
    remove('Pod', 'q'),
    wait(10),
  ),

  story(
    'sa/token secrets',
    maps,
    make('ServiceAccount', 'a'),
    make('Secret', 't', {
      metadata: { annotations: { 'kubernetes.io/service-account.name': 'a' } },
      type: 'kubernetes.io/service-account-token',
    }),
    make('Secret', 'u', {
      metadata: { annotations: { 'kubernetes.io/service-account.name': 'nobody' } },
      type: 'kubernetes.io/service-account-token',
    }),
    make('Secret', 'v', {
      metadata: {
        annotations: { 'kubernetes.io/service-account.name': 'a', 'kubernetes.io/service-account.uid': none },
      },
      type: 'kubernetes.io/service-account-token',
    }),
    wait(3),
    remove('ServiceAccount', 'a'),
    wait(3),
  ),
  story(
    'sa/comes back',
    maps,
    remove('ServiceAccount', 'default'),
    remove('ConfigMap', 'kube-root-ca.crt'),
    wait(2),
    patch('ConfigMap', 'kube-root-ca.crt', { data: { more: 'x' }, metadata: { labels: { a: 'b' } } }),
    wait(2),
  ),
  story(
    'sa/secret stripped of its token',
    maps,
    make('ServiceAccount', 'a'),
    make('Secret', 't', {
      metadata: { annotations: { 'kubernetes.io/service-account.name': 'a' } },
      type: 'kubernetes.io/service-account-token',
    }),
    patch('Secret', 't', { data: { token: null, 'ca.crt': null } }),
    wait(2),
  ),

  story(
    'role/aggregated',
    ['ClusterRole'],
    role('a', {
      aggregationRule: {
        clusterRoleSelectors: [
          { matchLabels: { '{ns}': 'x' } },
          { matchExpressions: [{ key: '{ns}', operator: 'In', values: ['y'] }] },
        ],
      },
    }),
    role('x', { metadata: { labels: { '{ns}': 'x' } }, rules: [rule('pods', 'get'), rule('pods', 'get')] }),
    role('y', { metadata: { labels: { '{ns}': 'y' } }, rules: [rule('services', 'list')] }),
    role('b', {
      metadata: { labels: { '{ns}': 'y' } },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { '{ns}': 'x' } }] },
    }),
    patch('ClusterRole', '{ns}-a', { rules: [rule('nodes', 'get')] }),
    remove('ClusterRole', '{ns}-x'),
    patch('ClusterRole', '{ns}-a', { aggregationRule: null }),
  ),
  story(
    'role/aggregates everything',
    ['ClusterRole'],
    role('x', { metadata: { labels: { only: '{ns}' } }, rules: [rule('pods', 'get')] }),
    role('a', {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { only: '{ns}' } }] },
      rules: [rule('secrets', 'get')],
    }),
  ),

  story(
    'ttl/nodes carry their age',
    ['Node'],
    make('Node', '{ns}-a', { metadata: { annotations: { 'node.alpha.kubernetes.io/ttl': '77' } } }),
    make('Node', '{ns}-b'),
  ),
  story(
    'attach/a volume the node uses',
    ['Node', 'PersistentVolume', 'PersistentVolumeClaim', 'VolumeAttachment'],
    pods('ready'),
    make('Node', '{ns}-a', {
      metadata: { annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
    }),
    make('PersistentVolume', '{ns}-v', {
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: '{ns}',
        csi: { driver: 'example.com', volumeHandle: 'h' },
      },
    }),
    make('PersistentVolumeClaim', 'c', {
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: '{ns}', resources: { requests: { storage: '1Gi' } } },
    }),
    pod('p', { nodeName: '{ns}-a', volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }),
    wait(3),
  ),
  story(
    'claim/devices for pods',
    ['ResourceClaim', 'ResourceClaimTemplate'],
    pods('away'),
    make('ResourceClaimTemplate', 't', {
      metadata: { labels },
      spec: {
        metadata: { labels: { a: 'b' }, annotations: { c: 'd' } },
        spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'x' } }] } },
      },
    }),
    pod('p', {
      resourceClaims: [
        { name: 'd', resourceClaimTemplateName: 't' },
        { name: 'none', resourceClaimTemplateName: 'none' },
      ],
    }),
    pod('q', { resourceClaims: [{ name: 'd', resourceClaimTemplateName: 't' }] }),
    remove('Pod', 'q'),
  ),
];
