// Where volumes let a pod go.
import type { Story } from '../../stories.ts';
import { make, remove, wait } from '../words.ts';
import { claim, node, pod, storageClass, tell, usesClaim, volume } from './words.ts';

export const volumeStories: readonly Story[] = [
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
    // Claims are looked at again every 15 seconds.
    wait(17),
  ),
  tell(
    'volume/unbound immediate and class missing',
    node('a'),
    claim('c'),
    pod('p', usesClaim('c')),
    storageClass({ volumeBindingMode: 'Immediate' }),
    wait(17),
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
