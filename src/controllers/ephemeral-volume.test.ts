import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  eventKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
  storageClassKind,
} from '../../generated/kinds.ts';
import { startCluster } from '../testing/start-cluster.ts';

const claim = {
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: '1Gi' } },
  storageClassName: 'local',
};
const inDefault = (name: string) => ({ namespace: 'default', name });

async function clusterWithClass() {
  const cluster = await startCluster();
  await cluster.client.resource(storageClassKind).create({
    metadata: { name: 'local' },
    provisioner: 'coracle.dev/local-volumes',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  });
  const pods = cluster.client.resource(podKind);
  return {
    cluster,
    pods,
    claims: cluster.client.resource(persistentVolumeClaimKind),
    pod: (name: string) =>
      pods.create({
        metadata: inDefault(name),
        spec: {
          containers: [{ name: 'c', image: 'i' }],
          volumes: [
            { name: 'scratch', ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: 'b' } }, spec: claim } } },
          ],
        },
      } as never),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

test('a pod with an ephemeral volume gets a claim, which goes with it', async () => {
  await using set = await clusterWithClass();
  const { uid } = (await set.pod('one')).metadata;
  await set.cluster.clock.advance('30s');
  const { metadata, status } = await set.claims.get(inDefault('one-scratch'));
  assert.deepEqual([metadata.labels, status?.phase], [{ a: 'b' }, 'Bound']);
  assert.deepEqual(metadata.ownerReferences, [
    { apiVersion: 'v1', kind: 'Pod', name: 'one', uid, controller: true, blockOwnerDeletion: true },
  ]);
  assert.equal((await set.pods.get(inDefault('one'))).status?.phase, 'Running');
  await set.pods.delete(inDefault('one'));
  await set.cluster.clock.advance('2m');
  assert.equal(await set.claims.find(inDefault('one-scratch')), undefined);
});

test('a claim of the same name that is not the pod’s is said, and taken over by nobody', async () => {
  await using set = await clusterWithClass();
  await set.claims.create({ metadata: inDefault('two-scratch'), spec: claim } as never);
  await set.pod('two');
  await set.cluster.clock.advance('30s');
  const { items } = await set.cluster.client.resource(eventKind).list({ namespace: 'default' });
  const [told] = items.filter(({ source }) => source?.component === 'ephemeral_volume');
  assert.equal(
    told?.message,
    'ephemeral volume scratch: PVC default/two-scratch was not created for pod default/two (pod is not owner)',
  );
  assert.equal((await set.pods.get(inDefault('two'))).status?.phase, 'Pending');
});

test('a claim that asks for more gets more', async () => {
  await using set = await clusterWithClass();
  await set.pod('three');
  await set.cluster.clock.advance('30s');
  const bound = await set.claims.get(inDefault('three-scratch'));
  await set.claims.patch(
    inDefault('three-scratch'),
    { spec: { resources: { requests: { storage: '3Gi' } } } },
    { type: 'merge' },
  );
  await set.cluster.clock.advance('10s');
  const { status } = await set.claims.get(inDefault('three-scratch'));
  const volume = await set.cluster.client
    .resource(persistentVolumeKind)
    .get({ namespace: '', name: bound.spec!.volumeName! });
  assert.deepEqual([status?.capacity?.['storage'], volume.spec?.capacity?.['storage']], ['3Gi', '3Gi']);
});
