// Volumes and claims.
import type { Story } from '../stories.ts';
import { make, patch, pod, podSpec, pods, remove, story, wait } from './words.ts';

const kinds = ['PersistentVolumeClaim', 'PersistentVolume'];
const volume = (name: string, spec: object = {}, metadata = {}) =>
  make('PersistentVolume', `{ns}-${name}`, {
    metadata,
    spec: {
      capacity: { storage: '5Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: '{ns}',
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: '/x' },
      ...spec,
    },
  });
const claim = (name: string, spec: object = {}, metadata = {}) =>
  make('PersistentVolumeClaim', name, {
    metadata,
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: '{ns}',
      resources: { requests: { storage: '1Gi' } },
      ...spec,
    },
  });
const storageClass = (rest: object) => make('StorageClass', '{ns}', { provisioner: 'example.com/x', ...rest });
const usesClaim = (name: string) => ({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: name } }] });

export const volumeStories: readonly Story[] = [
  story(
    'vol/selector',
    kinds,
    volume('a', {}, { labels: { tier: 'x' } }),
    volume('b', { capacity: { storage: '1Gi' } }, { labels: { tier: 'y' } }),
    claim('c', { selector: { matchLabels: { tier: 'x' } } }),
    claim('d', { selector: { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['y'] }] } }),
    claim('e', { selector: {} }),
  ),
  story(
    'vol/modes',
    kinds,
    volume('a', { accessModes: ['ReadOnlyMany', 'ReadWriteMany'] }),
    claim('c', { accessModes: ['ReadWriteMany'] }),
    claim('d', { accessModes: ['ReadWriteOncePod'] }),
  ),
  story(
    'vol/block and filesystem',
    kinds,
    volume('a', { volumeMode: 'Block' }),
    claim('c'),
    claim('d', { volumeMode: 'Block' }),
  ),
  story(
    'vol/released, then the reference is taken away',
    kinds,
    volume('a'),
    claim('c'),
    remove('PersistentVolumeClaim', 'c'),
    claim('c'),
    patch('PersistentVolume', '{ns}-a', { spec: { claimRef: null } }),
  ),
  story(
    'vol/recycle',
    kinds,
    volume('a', { persistentVolumeReclaimPolicy: 'Recycle', hostPath: { path: '/tmp/does-not-exist' } }),
    claim('c'),
    patch('PersistentVolume', '{ns}-a', { spec: { persistentVolumeReclaimPolicy: 'Retain' } }),
    remove('PersistentVolumeClaim', 'c'),
  ),
  story(
    'vol/deleted with a hostPath outside tmp',
    kinds,
    volume('a', { persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/x' } }),
    claim('c'),
    remove('PersistentVolumeClaim', 'c'),
  ),
  story(
    'vol/csi volume deleted by nobody',
    kinds,
    storageClass({}),
    volume(
      'a',
      { hostPath: null, csi: { driver: 'example.com/x', volumeHandle: 'h' }, persistentVolumeReclaimPolicy: 'Delete' },
      { annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/x' } },
    ),
    claim('c'),
    remove('PersistentVolumeClaim', 'c'),
    patch('PersistentVolume', '{ns}-a', { spec: { persistentVolumeReclaimPolicy: 'Retain' } }),
  ),
  story(
    'vol/wait for first consumer',
    kinds,
    pods('away'),
    storageClass({ volumeBindingMode: 'WaitForFirstConsumer' }),
    volume('a'),
    claim('c'),
    pod('p', usesClaim('c')),
    patch('PersistentVolumeClaim', 'c', { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } } }),
  ),
  story(
    'vol/wait for first consumer, provisioned',
    kinds,
    pods('away'),
    storageClass({ volumeBindingMode: 'WaitForFirstConsumer' }),
    claim('c'),
    pod('p', usesClaim('c')),
    patch('PersistentVolumeClaim', 'c', { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } } }),
  ),
  story(
    'vol/no provisioner class',
    kinds,
    make('StorageClass', '{ns}', { provisioner: 'kubernetes.io/no-provisioner' }),
    claim('c'),
  ),
  story(
    'vol/unknown in-tree provisioner',
    kinds,
    make('StorageClass', '{ns}', { provisioner: 'kubernetes.io/nothing' }),
    claim('c'),
  ),
  story(
    'vol/host path provisioner',
    kinds,
    make('StorageClass', '{ns}', { provisioner: 'kubernetes.io/host-path' }),
    claim('c'),
  ),
  story(
    'vol/migrated provisioner',
    kinds,
    make('StorageClass', '{ns}', { provisioner: 'kubernetes.io/aws-ebs' }),
    claim('c'),
  ),
  story(
    'vol/beta class annotation',
    kinds,
    storageClass({}),
    claim('c', { storageClassName: null }, { annotations: { 'volume.beta.kubernetes.io/storage-class': '{ns}' } }),
  ),
  story('vol/no class at all', kinds, claim('c', { storageClassName: null }), volume('a', { storageClassName: null })),
  story('vol/class made later', kinds, claim('c'), storageClass({}), remove('StorageClass', '{ns}')),
  story(
    'vol/named and wrong',
    kinds,
    volume('a', { volumeMode: 'Block' }),
    volume('b', { accessModes: ['ReadOnlyMany'] }),
    volume('d', { storageClassName: 'other' }),
    volume('e', {}, { labels: { x: 'y' } }),
    claim('a', { volumeName: '{ns}-a' }),
    claim('b', { volumeName: '{ns}-b' }),
    claim('d', { volumeName: '{ns}-d' }),
    claim('e', { volumeName: '{ns}-e', selector: { matchLabels: { x: 'z' } } }),
  ),
  story(
    'vol/volume names a claim that comes, wrong',
    kinds,
    volume('a', { capacity: { storage: '1Mi' }, claimRef: { namespace: '{ns}', name: 'c' } }),
    claim('c'),
    volume('b', { claimRef: { namespace: '{ns}', name: 'd', uid: 'aaaa' } }),
    claim('d'),
  ),
  story(
    'vol/volume names itself wrongly',
    kinds,
    volume('a', { storageClassName: 'other', claimRef: { namespace: '{ns}', name: 'c' } }),
    claim('c'),
  ),
  story(
    'vol/lost and found',
    kinds,
    volume('a'),
    claim('c'),
    patch('PersistentVolume', '{ns}-a', { metadata: { finalizers: null } }),
    remove('PersistentVolume', '{ns}-a'),
    volume('a', { claimRef: { namespace: '{ns}', name: 'c' } }),
  ),
  story(
    'vol/misbound',
    kinds,
    volume('a'),
    claim('c'),
    patch('PersistentVolume', '{ns}-a', { spec: { claimRef: { namespace: '{ns}', name: 'other', uid: 'zzz' } } }),
  ),
  story(
    'vol/node affinity',
    kinds,
    volume('a', {
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'Exists' }] }] } },
    }),
    claim('c'),
  ),
  story(
    'vol/data source',
    kinds,
    volume('a'),
    claim('c', { dataSource: { kind: 'PersistentVolumeClaim', name: 'x' } }),
    claim('d', { dataSourceRef: { apiGroup: 'example.com', kind: 'Thing', name: 'x' } }),
  ),
  story(
    'vol/attributes class',
    kinds,
    volume('a', {
      volumeAttributesClassName: 'gold',
      hostPath: null,
      csi: { driver: 'example.com', volumeHandle: 'h' },
    }),
    claim('c', {}),
    claim('d', { volumeAttributesClassName: 'gold' }),
    claim('e', { volumeAttributesClassName: 'silver' }),
  ),
  story(
    'vol/expanded',
    kinds,
    storageClass({ allowVolumeExpansion: true }),
    volume('a', { capacity: { storage: '1Gi' } }),
    claim('c'),
    patch('PersistentVolumeClaim', 'c', { spec: { resources: { requests: { storage: '2Gi' } } } }),
  ),
  story(
    'vol/expanded csi without controller',
    kinds,
    make('CSIDriver', '{ns}.x', { spec: {} }),
    storageClass({ allowVolumeExpansion: true, provisioner: '{ns}.x' }),
    volume('a', { hostPath: null, csi: { driver: '{ns}.x', volumeHandle: 'h' }, capacity: { storage: '1Gi' } }),
    claim('c'),
    patch('PersistentVolumeClaim', 'c', { spec: { resources: { requests: { storage: '2Gi' } } } }),
  ),
  story(
    'vol/protected while a pod uses it',
    kinds,
    pods('ready'),
    volume('a'),
    claim('c'),
    pod('p', usesClaim('c')),
    remove('PersistentVolumeClaim', 'c'),
    remove('PersistentVolume', '{ns}-a'),
    pods('succeed'),
    pod('q', usesClaim('c')),
    remove('Pod', 'p'),
  ),
  story(
    'vol/ephemeral',
    kinds,
    pods('ready'),
    pod('p', {
      volumes: [
        {
          name: 'e',
          ephemeral: {
            volumeClaimTemplate: {
              metadata: { labels: { a: 'b' }, annotations: { c: 'd' } },
              spec: {
                accessModes: ['ReadWriteOnce'],
                storageClassName: '{ns}',
                resources: { requests: { storage: '1Gi' } },
              },
            },
          },
        },
      ],
    }),
    claim('q-e'),
    pod('q', {
      volumes: [
        {
          name: 'e',
          ephemeral: {
            volumeClaimTemplate: {
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            },
          },
        },
      ],
    }),
    remove('Pod', 'p'),
  ),
  story(
    'vol/attached',
    [...kinds, 'VolumeAttachment'],
    pods('ready'),
    make('CSIDriver', '{ns}.x', { spec: {} }),
    volume('a', { hostPath: null, csi: { driver: '{ns}.x', volumeHandle: 'h' } }),
    claim('c'),
    make('Pod', 'p', { spec: podSpec({ ...usesClaim('c') }) }),
    wait(1),
    remove('Pod', 'p'),
  ),
  story(
    'vol/unused claim condition',
    kinds,
    claim('c', { resources: { requests: { storage: '0' } } }),
    claim('d', { accessModes: [] }),
  ),
];
