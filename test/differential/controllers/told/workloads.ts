// Deployments and sets: what goes wrong, and what is rarely asked for.
import type { Json } from '../side.ts';
import type { Story } from '../stories.ts';
import { labels, make, patch, pod, podSpec, pods, remove, say, story, template, wait } from './words.ts';

const apps = [
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'ControllerRevision',
  'ReplicationController',
  'PersistentVolumeClaim',
  'ResourceQuota',
];
const selector = { matchLabels: labels };
const deployment = (spec: Json = {}, metadata: Json = {}) =>
  make('Deployment', 'a', { metadata, spec: { replicas: 2, selector, template: template(), ...spec } });
const image = (kind: string, name: string) =>
  patch(kind, 'a', { spec: { template: { spec: { containers: [{ name: 'c', image: name }] } } } });
const refused = make('ResourceQuota', 'q', { spec: { hard: { pods: '1' } } });
const bad = { securityContext: { runAsUser: 5, windowsOptions: {} }, serviceAccountName: 'missing' };
const statefulSet = (spec: Json = {}) =>
  make('StatefulSet', 'a', { spec: { replicas: 2, serviceName: 'a', selector, template: template(), ...spec } });
const claims = [
  {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } },
  },
];
/** On the nodes that are always there: other stories make some of their own. */
const daemonSet = (spec: Json = {}) =>
  make('DaemonSet', 'a', { spec: { selector, template: template({ nodeSelector: { base: 'yes' } }), ...spec } });

export const workloadStories: readonly Story[] = [
  story(
    'app/service account missing',
    apps,
    pods('ready'),
    deployment({ template: template(bad) }),
    make('ServiceAccount', 'missing'),
  ),
  story(
    'app/replica set, service account missing',
    apps,
    make('ReplicaSet', 'a', { spec: { replicas: 3, selector, template: template({ serviceAccountName: 'missing' }) } }),
    patch('ReplicaSet', 'a', { spec: { replicas: 0 } }),
  ),
  story(
    'app/controller refused by a quota',
    apps,
    pods('ready'),
    refused,
    wait(2),
    make('ReplicationController', 'a', { spec: { replicas: 3, selector: labels, template: template() } }),
    patch('ReplicationController', 'a', { spec: { replicas: 1 } }),
  ),
  story(
    'app/stateful set refused by a quota',
    apps,
    pods('ready'),
    refused,
    wait(2),
    statefulSet({ podManagementPolicy: 'Parallel' }),
    patch('ResourceQuota', 'q', { spec: { hard: { pods: '5' } } }),
    // When it tries again is a matter of back-off, until something else wakes it.
    wait(1),
    patch('StatefulSet', 'a', { spec: { replicas: 3 } }),
  ),
  story(
    'app/stateful set claims refused',
    apps,
    pods('ready'),
    make('ResourceQuota', 'q', { spec: { hard: { persistentvolumeclaims: '1' } } }),
    wait(2),
    statefulSet({ volumeClaimTemplates: claims }),
  ),
  story(
    'app/daemon set refused by a quota',
    apps,
    pods('ready'),
    refused,
    wait(2),
    daemonSet(),
    image('DaemonSet', 'i2'),
  ),
  story(
    'app/a priority class that is not there',
    apps,
    deployment({ template: template({ priorityClassName: 'missing' }) }),
  ),
  story(
    'app/two deployments, one selector',
    apps,
    pods('ready'),
    deployment(),
    make('Deployment', 'b', { spec: { replicas: 1, selector, template: template() } }),
    patch('Deployment', 'a', { spec: { replicas: 1 } }),
  ),
  story(
    'app/a replica set that another deployment could own',
    apps,
    pods('ready'),
    make('ReplicaSet', 'rs', { metadata: { labels }, spec: { replicas: 2, selector, template: template() } }),
    deployment({ replicas: 1 }),
    remove('Deployment', 'a', 'Orphan'),
    make('Deployment', 'b', { spec: { replicas: 3, selector, template: template() } }),
  ),
  story(
    'app/empty selectors',
    apps,
    pods('ready'),
    deployment({ selector: {} }),
    make('ReplicaSet', 'b', { spec: { selector: {}, template: template() } }),
    make('DaemonSet', 'a', { spec: { selector: {}, template: template() } }),
    make('StatefulSet', 'a', { spec: { selector: {}, template: template() } }),
  ),
  story(
    'app/selector with expressions',
    apps,
    pods('ready'),
    pod('mine'),
    pod('other', {}, { labels: { app: 'b' } }),
    make('ReplicaSet', 'a', {
      spec: {
        replicas: 1,
        selector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] },
        template: template(),
      },
    }),
    patch('Pod', 'other', { metadata: { labels: { app: 'c' } } }),
  ),
  story(
    'app/two controller owners',
    apps,
    pods('ready'),
    make('Pod', 'p', {
      metadata: {
        labels,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid: 'aaaa', controller: true },
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'y', uid: 'bbbb', controller: true },
        ],
      },
      spec: podSpec(),
    }),
  ),
  story(
    'app/rolled back by kubectl',
    apps,
    pods('ready'),
    deployment({}, { annotations: { 'kubernetes.io/change-cause': 'one' } }),
    patch('Deployment', 'a', {
      metadata: { annotations: { 'kubernetes.io/change-cause': 'two' } },
      spec: { template: { spec: { containers: [{ name: 'c', image: 'i2' }] } } },
    }),
    image('Deployment', 'i3'),
    image('Deployment', 'i1'),
    patch('Deployment', 'a', { metadata: { annotations: { 'deployment.kubernetes.io/revision': '77' } } }),
    image('Deployment', 'i5'),
    patch('Deployment', 'a', { spec: { revisionHistoryLimit: 0 } }),
  ),
  story(
    'app/hash collision',
    apps,
    pods('ready'),
    deployment({ paused: true }),
    patch('Deployment', 'a', { status: { collisionCount: 3 } }, { subresource: 'status' }),
    patch('Deployment', 'a', { spec: { paused: false } }),
  ),
  story(
    'app/paused and scaled',
    apps,
    pods('ready'),
    deployment({ replicas: 4 }),
    pods('stay'),
    image('Deployment', 'i2'),
    patch('Deployment', 'a', { spec: { paused: true } }),
    patch('Deployment', 'a', { spec: { replicas: 8 } }),
    patch('Deployment', 'a', { spec: { replicas: 3 } }),
    patch('Deployment', 'a', { spec: { paused: false } }),
    pods('ready'),
  ),
  story(
    'app/progress deadline while paused',
    apps,
    pods('unready'),
    deployment({ progressDeadlineSeconds: 4, replicas: 1 }),
    wait(5),
    patch('Deployment', 'a', { spec: { paused: true } }),
    patch('Deployment', 'a', { spec: { paused: false } }),
    pods('ready'),
    image('Deployment', 'i2'),
  ),
  story(
    'app/replica set changed behind its deployment',
    apps,
    pods('ready'),
    deployment(),
    make('ResourceQuota', 'q2', { spec: { hard: { 'count/replicasets.apps': '1' } } }),
    wait(2),
    image('Deployment', 'i2'),
  ),
  story(
    'app/surge in percent of huge',
    apps,
    pods('stay'),
    deployment({ replicas: 0, strategy: { rollingUpdate: { maxSurge: '1000%', maxUnavailable: '100%' } } }),
    patch('Deployment', 'a', { spec: { replicas: 3 } }),
    image('Deployment', 'i2'),
    patch('Deployment', 'a', { spec: { strategy: { rollingUpdate: { maxSurge: '-1%' } } } }),
    patch('Deployment', 'a', { spec: { strategy: { rollingUpdate: { maxSurge: '0%', maxUnavailable: 0 } } } }),
  ),
  story(
    'app/a pod fails while a recreate waits',
    apps,
    pods('ready'),
    deployment({ strategy: { type: 'Recreate' } }),
    say('.', { set: 'failed' }),
    image('Deployment', 'i2'),
    pods('ready'),
  ),
  story(
    'app/evicted pods',
    apps,
    pods('ready'),
    deployment(),
    say('.', { set: 'failed', reason: 'Evicted', message: 'node low' }),
  ),
  story(
    'app/stateful claims with retention',
    apps,
    pods('ready'),
    statefulSet({
      volumeClaimTemplates: claims,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
    }),
    patch('StatefulSet', 'a', { spec: { replicas: 1 } }),
    patch('StatefulSet', 'a', {
      spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } },
    }),
    patch('StatefulSet', 'a', {
      spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } },
    }),
    remove('StatefulSet', 'a', 'Foreground'),
  ),
  story(
    'app/stateful claim taken by another',
    apps,
    pods('ready'),
    make('PersistentVolumeClaim', 'data-a-0', {
      metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'zz', controller: true }] },
      spec: claims[0]!.spec,
    }),
    statefulSet({
      replicas: 1,
      volumeClaimTemplates: claims,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
    }),
  ),
  story(
    'app/stateful pod being deleted with its claim',
    apps,
    pods('ready'),
    statefulSet({ volumeClaimTemplates: claims }),
    remove('PersistentVolumeClaim', 'data-a-1'),
    remove('Pod', 'a-1'),
    patch('StatefulSet', 'a', { spec: { template: { metadata: { annotations: { x: 'y' } } } } }),
  ),
  story(
    'app/stateful stuck rollout',
    apps,
    pods('ready'),
    statefulSet({ replicas: 3 }),
    pods('unready'),
    image('StatefulSet', 'bad'),
    image('StatefulSet', 'i1'),
    remove('Pod', 'a-2'),
    pods('ready'),
  ),
  story(
    'app/stateful partition above',
    apps,
    pods('ready'),
    statefulSet({ replicas: 3, updateStrategy: { rollingUpdate: { partition: 5 } } }),
    image('StatefulSet', 'i2'),
    remove('Pod', 'a-1'),
    patch('StatefulSet', 'a', { spec: { updateStrategy: { rollingUpdate: { partition: 2 } } } }),
    patch('StatefulSet', 'a', { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } }),
  ),
  story(
    'app/stateful pods without identity',
    apps,
    pods('ready'),
    statefulSet(),
    patch('Pod', 'a-0', {
      metadata: { labels: { 'statefulset.kubernetes.io/pod-name': 'x', 'apps.kubernetes.io/pod-index': null } },
    }),
    patch('Pod', 'a-1', { metadata: { labels: { app: 'z' } } }),
  ),
  story(
    'app/stateful ordinals move',
    apps,
    pods('ready'),
    statefulSet({ ordinals: { start: 2 } }),
    patch('StatefulSet', 'a', { spec: { ordinals: { start: 1 } } }),
    patch('StatefulSet', 'a', { spec: { ordinals: null } }),
  ),
  story(
    'app/stateful reaches beyond',
    apps,
    statefulSet({ replicas: 1, ordinals: { start: -1 } }),
    statefulSet({ replicas: -1 }),
    statefulSet({ podManagementPolicy: 'Odd' }),
    statefulSet({ minReadySeconds: -1 }),
  ),
  story(
    'app/daemon surge',
    apps,
    pods('ready'),
    daemonSet({ updateStrategy: { rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } } }),
    pods('unready'),
    image('DaemonSet', 'i2'),
    pods('ready'),
  ),
  story(
    'app/daemon on delete and rollback',
    apps,
    pods('ready'),
    daemonSet({ updateStrategy: { type: 'OnDelete' }, revisionHistoryLimit: 1 }),
    image('DaemonSet', 'i2'),
    image('DaemonSet', 'i3'),
    image('DaemonSet', 'i1'),
    patch('DaemonSet', 'a', { spec: { updateStrategy: { type: 'RollingUpdate' } } }),
  ),
  story(
    'app/daemon fails again and again',
    apps,
    pods('fail'),
    daemonSet({ template: template({ nodeSelector: { zone: 'n1' } }) }),
    say('.', { set: 'failed', reason: 'X' }),
    pods('ready'),
  ),
  story(
    'app/daemon revision is taken',
    apps,
    pods('ready'),
    daemonSet({ template: template({ nodeSelector: { zone: 'n1' } }) }),
    patch('DaemonSet', 'a', { metadata: { annotations: { 'deprecated.daemonset.template.generation': '9' } } }),
    image('DaemonSet', 'i2'),
  ),
  story(
    'app/min ready seconds that never end',
    apps,
    pods('ready'),
    deployment({ replicas: 1, minReadySeconds: 500, progressDeadlineSeconds: 501 }),
    image('Deployment', 'i2'),
  ),
  story(
    'app/pods owned by nobody any more',
    apps,
    pods('ready'),
    make('ReplicaSet', 'a', {
      spec: {
        replicas: 2,
        selector,
        template: template({}, { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '10' } }),
      },
    }),
    pod('p', {}, { labels, annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } }),
    remove('ReplicaSet', 'a', 'Orphan'),
  ),
];
