import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  eventKind,
  nodeKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
  volumeAttachmentKind,
} from '../../generated/kinds.ts';
import { startCluster } from '../testing/start-cluster.ts';

const managed = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
const handle = 'kubernetes.io/csi/csi.example.com^disk-1';

/** Two nodes, a volume, a claim that has it; where it is a driver's, the test is the attacher. */
async function clusterWithDisk(source: object = { csi: { driver: 'csi.example.com', volumeHandle: 'disk-1' } }) {
  const cluster = await startCluster({ nodes: 2 });
  const { client, clock } = cluster;
  const nodes = client.resource(nodeKind);
  const [one, two] = (await nodes.list()).items.map(({ metadata }) => metadata.name);
  for (const name of [one!, two!])
    await nodes.patch({ namespace: '', name }, { metadata: { annotations: managed } }, { type: 'merge' });
  const disk = {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
    ...source,
  };
  await client.resource(persistentVolumeKind).create({ metadata: { name: 'disk' }, spec: disk } as never);
  await client.resource(persistentVolumeClaimKind).create({
    metadata: { name: 'data', namespace: 'default' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: '',
      volumeName: 'disk',
      resources: { requests: { storage: '1Gi' } },
    },
  } as never);
  const attachments = client.resource(volumeAttachmentKind);
  return {
    cluster,
    one: one!,
    two: two!,
    attachments,
    pods: client.resource(podKind),
    pod: (name: string, nodeName: string) =>
      client.resource(podKind).create({
        metadata: { name, namespace: 'default' },
        spec: {
          nodeName,
          containers: [{ name: 'c', image: 'i' }],
          volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }],
        },
      } as never),
    settle: () => clock.advance('10s'),
    attached: async (name: string) =>
      (await nodes.get({ namespace: '', name })).status?.volumesAttached?.map((each) => each.name) ?? [],
    answer: async (status: object) => {
      const [attachment] = (await attachments.list()).items;
      const key = { namespace: '', name: attachment!.metadata.name };
      await attachments.patch(key, { status }, { type: 'merge', subresource: 'status' });
      await clock.advance('10s');
    },
    told: async (pod: string) =>
      (await client.resource(eventKind).list({ namespace: 'default' })).items
        .filter(
          ({ source, involvedObject }) =>
            source?.component === 'attachdetach-controller' && involvedObject.name === pod,
        )
        .map(({ reason, message }) => `${reason}: ${message?.trim()}`),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

test('a volume is attached to the node of the pod that uses it, and detached when the last has gone', async () => {
  await using set = await clusterWithDisk();
  await set.pod('first', set.one);
  await set.settle();
  const [attachment] = (await set.attachments.list()).items;
  assert.deepEqual(attachment?.spec, {
    attacher: 'csi.example.com',
    nodeName: set.one,
    source: { persistentVolumeName: 'disk' },
  });
  assert.match(attachment!.metadata.name, /^csi-[0-9a-f]{64}$/);
  assert.deepEqual(await set.attached(set.one), []);
  await set.answer({ attached: false, attachError: { message: 'no such disk' } });
  await set.answer({ attached: true, attachError: null });
  assert.deepEqual(await set.attached(set.one), [handle]);
  assert.deepEqual(await set.told('first'), [
    'FailedAttachVolume: AttachVolume.Attach failed for volume "disk" : no such disk',
    'SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "disk"',
  ]);
  await set.pods.delete({ namespace: 'default', name: 'first' });
  await set.settle();
  await set.settle();
  assert.deepEqual([await set.attached(set.one), (await set.attachments.list()).items], [[], []]);
});

test('a volume for one node waits until it is free, and while the other node has it mounted', async () => {
  await using set = await clusterWithDisk();
  await set.pod('first', set.one);
  await set.settle();
  await set.answer({ attached: true });
  const inUse = async (volumesInUse: string[]) => {
    const key = { namespace: '', name: set.one };
    await set.cluster.client
      .resource(nodeKind)
      .patch(key, { status: { volumesInUse } }, { type: 'merge', subresource: 'status' });
    await set.settle();
  };
  await inUse([handle]);
  await set.pod('second', set.two);
  await set.settle();
  assert.deepEqual(await set.told('second'), [
    'FailedAttachVolume: Multi-Attach error for volume "disk" Volume is already used by pod(s) first',
  ]);
  await set.pods.delete({ namespace: 'default', name: 'first' }, { gracePeriodSeconds: 0 });
  await set.settle();
  const nodeNames = async () => (await set.attachments.list()).items.map(({ spec }) => spec.nodeName);
  assert.deepEqual(await nodeNames(), [set.one]);
  await inUse([]);
  await set.settle();
  assert.deepEqual(await nodeNames(), [set.two]);
});

test('a disk of an iSCSI target is attached without an attacher, and follows its pod when the node lets go of it', async () => {
  const iscsi = { targetPortal: '10.0.0.5', iqn: 'iqn.2003-01.org.example:disk', lun: 0 };
  await using set = await clusterWithDisk({ iscsi });
  const disk = 'kubernetes.io/iscsi/10.0.0.5:iqn.2003-01.org.example:disk:0';
  const inUse = (volumesInUse: string[]) =>
    set.cluster.client
      .resource(nodeKind)
      .patch({ namespace: '', name: set.one }, { status: { volumesInUse } }, { type: 'merge', subresource: 'status' });
  await set.pod('first', set.one);
  await set.settle();
  await inUse([disk]);
  await set.pod('second', set.two);
  await set.settle();
  await set.pods.delete({ namespace: 'default', name: 'first' }, { gracePeriodSeconds: 0 });
  await set.settle();
  assert.deepEqual([await set.attached(set.one), await set.attached(set.two)], [[disk], []]);
  await inUse([]);
  await set.settle();
  assert.deepEqual([await set.attached(set.one), await set.attached(set.two)], [[], [disk]]);
  assert.deepEqual(await set.told('second'), [
    'FailedAttachVolume: Multi-Attach error for volume "disk" Volume is already used by pod(s) first',
    'SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "disk"',
  ]);
  assert.deepEqual((await set.attachments.list()).items, []);
});
