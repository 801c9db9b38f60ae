import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolumeClaimSpec } from '../../../generated/core-v1.ts';
import {
  eventKind,
  nodeKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
  storageClassKind,
} from '../../../generated/kinds.ts';
import { startCluster } from '../../testing/start-cluster.ts';

const request = { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } } };

async function clusterWithClass(volumeBindingMode: 'Immediate' | 'WaitForFirstConsumer') {
  const cluster = await startCluster({ nodes: 3 });
  await cluster.client.resource(storageClassKind).create({
    metadata: { name: 'local' },
    provisioner: 'coracle.dev/local-volumes',
    reclaimPolicy: 'Delete',
    volumeBindingMode,
  });
  const claims = cluster.client.resource(persistentVolumeClaimKind);
  return {
    cluster,
    volumes: cluster.client.resource(persistentVolumeKind),
    claims,
    claim: (name: string, spec: Partial<PersistentVolumeClaimSpec> = {}) =>
      claims.create({
        metadata: { name, namespace: 'default' },
        spec: { ...request, storageClassName: 'local', ...spec },
      } as never),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

test('a claim that waits gets a directory of the node its pod was sent to, and both go together', async () => {
  await using set = await clusterWithClass('WaitForFirstConsumer');
  const { cluster, claims, volumes } = set;
  await set.claim('data');
  await cluster.clock.advance('1m');
  assert.deepEqual((await volumes.list()).items, []);
  const pods = cluster.client.resource(podKind);
  await pods.create({
    metadata: { name: 'writer', namespace: 'default' },
    spec: {
      nodeSelector: {
        'kubernetes.io/hostname': (await cluster.client.resource(nodeKind).list()).items[1]!.metadata.name,
      },
      containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    },
  } as never);
  await cluster.clock.advance('1m');
  const pod = await pods.get({ namespace: 'default', name: 'writer' });
  assert.equal(pod.status?.phase, 'Running');
  const [volume] = (await volumes.list()).items;
  const claim = await claims.get({ namespace: 'default', name: 'data' });
  assert.equal(volume?.metadata.name, `pvc-${claim.metadata.uid}`);
  assert.equal(claim.status?.phase, 'Bound');
  assert.deepEqual(volume?.spec?.nodeAffinity?.required?.nodeSelectorTerms, [
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [pod.spec.nodeName] }] },
  ]);
  assert.match(volume?.spec?.local?.path ?? '', new RegExp(`/${volume?.metadata.name}$`));
  await pods.delete({ namespace: 'default', name: 'writer' });
  await claims.delete({ namespace: 'default', name: 'data' });
  await cluster.clock.advance('2m');
  assert.deepEqual((await volumes.list()).items, []);
});

test('a claim that does not wait is bound at once, and what no directory can be is said', async () => {
  await using set = await clusterWithClass('Immediate');
  await set.claim('now');
  await set.claim('block', { volumeMode: 'Block' });
  await set.claim('chosen', { selector: { matchLabels: { a: 'b' } } });
  await set.cluster.clock.advance('1m');
  const phase = async (name: string) => (await set.claims.get({ namespace: 'default', name })).status?.phase;
  assert.deepEqual([await phase('now'), await phase('block'), await phase('chosen')], ['Bound', 'Pending', 'Pending']);
  const { items } = await set.cluster.client.resource(eventKind).list({ namespace: 'default' });
  const told = (name: string) =>
    items.find(({ reason, involvedObject }) => reason === 'ProvisioningFailed' && involvedObject.name === name)
      ?.message;
  assert.match(told('block') ?? '', /volumeMode must be Filesystem/);
  assert.match(told('chosen') ?? '', /selector is not supported/);
});
