import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../../generated/core-v1.ts';
import type { CSIStorageCapacity, StorageClass } from '../../../generated/storage-v1.ts';
import { NodeCache } from '../node-cache.ts';
import { Blocked, type Snapshot, snapshotOf } from '../plugin.ts';
import { viewOf } from '../pod-view.ts';
import { volumeBinding } from './volume-binding.ts';

const classes: Record<string, Partial<StorageClass>> = {
  now: { volumeBindingMode: 'Immediate', provisioner: 'kubernetes.io/no-provisioner' },
  wait: { volumeBindingMode: 'WaitForFirstConsumer', provisioner: 'kubernetes.io/no-provisioner' },
  made: { volumeBindingMode: 'WaitForFirstConsumer', provisioner: 'example.com/disk' },
  counted: {
    metadata: { name: 'counted' },
    volumeBindingMode: 'WaitForFirstConsumer',
    provisioner: 'counts.example.com',
  },
};

/** Room for volumes, by node. */
const capacities: Partial<CSIStorageCapacity>[] = [
  { nodeTopology: { matchLabels: { name: 'a' } }, capacity: '5Gi', maximumVolumeSize: '512Mi' },
  { nodeTopology: { matchLabels: { name: 'b' } }, capacity: '1Gi' },
  { capacity: '5Gi' },
];

function aClaim(storageClassName: string, volumeName?: string): PersistentVolumeClaim {
  const annotations = volumeName ? { 'pv.kubernetes.io/bind-completed': 'yes' } : {};
  const resources = { requests: { storage: '1Gi' } };
  return {
    metadata: { name: 'data', namespace: 'ns', annotations },
    spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources, ...(volumeName ? { volumeName } : {}) },
  } as unknown as PersistentVolumeClaim;
}

function aVolume(node: string, storage: string, holder?: string): PersistentVolume {
  const nodeSelectorTerms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }];
  const claimRef = holder ? { claimRef: { namespace: 'ns', name: holder } } : {};
  const nodeAffinity = { required: { nodeSelectorTerms } };
  const spec = {
    storageClassName: 'wait',
    capacity: { storage },
    accessModes: ['ReadWriteOnce'],
    nodeAffinity,
    ...claimRef,
  };
  return { metadata: { name: 'v' }, spec, status: { phase: 'Available' } } as unknown as PersistentVolume;
}

const aPod = (name: string): Pod => ({
  metadata: { name, namespace: 'ns' },
  spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] },
});

function world(claim: PersistentVolumeClaim | undefined, volume?: PersistentVolume): Snapshot {
  const cache = new NodeCache();
  for (const name of ['a', 'b']) cache.setNode({ metadata: { name, labels: { name } }, spec: {} });
  return snapshotOf(cache, {
    namespaceLabels: () => undefined,
    services: () => [],
    storage: {
      claim: () => claim,
      volume: () => volume,
      volumes: () => (volume ? [volume] : []),
      storageClass: (name) => classes[name] as StorageClass,
      driver: (name) =>
        name === 'counts.example.com' ? { metadata: { name }, spec: { storageCapacity: true } } : undefined,
      capacities: (name) => (name === 'counted' ? (capacities as CSIStorageCapacity[]) : []),
    },
  });
}

function refusals(snapshot: Snapshot): string[] {
  const asked = volumeBinding.prepare(viewOf(aPod('p')), snapshot);
  if (asked instanceof Blocked) return [asked.reason];
  return snapshot.nodes.map((node) => asked?.(node)[0]?.reason ?? `${node.name} will do`);
}

const elsewhere = "node(s) didn't match PersistentVolume's node affinity";
const none = "node(s) didn't find available persistent volumes to bind";
for (const { name, claim, volume, want } of [
  { name: 'waits for its claim to exist', want: ['persistentvolumeclaim "data" not found'] },
  {
    name: 'waits for its claim to be bound',
    claim: aClaim('now'),
    want: ['pod has unbound immediate PersistentVolumeClaims'],
  },
  {
    name: 'follows its volume',
    claim: aClaim('now', 'v'),
    volume: aVolume('a', '1Gi', 'data'),
    want: ['a will do', elsewhere],
  },
  {
    name: 'goes where a volume is free',
    claim: aClaim('wait'),
    volume: aVolume('b', '2Gi'),
    want: [none, 'b will do'],
  },
  {
    name: 'needs a volume that is large enough',
    claim: aClaim('wait'),
    volume: aVolume('b', '1Mi'),
    want: [none, none],
  },
  {
    name: 'leaves the volumes of others',
    claim: aClaim('wait'),
    volume: aVolume('b', '1Gi', 'other'),
    want: [none, none],
  },
  {
    name: 'goes where its driver has room for a volume of that size',
    claim: aClaim('counted'),
    want: ['node(s) did not have enough free storage', 'b will do'],
  },
  { name: 'goes anywhere when volumes are made', claim: aClaim('made'), want: ['a will do', 'b will do'] },
] as { name: string; claim?: PersistentVolumeClaim; volume?: PersistentVolume; want: string[] }[]) {
  test(`a pod with a claim ${name}`, () => assert.deepEqual(refusals(world(claim, volume)), want));
}
