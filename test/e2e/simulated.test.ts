import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestCluster } from './cluster.ts';
import { walkThrough } from './walk-through.ts';

test('the walk-through on three simulated nodes', async (t) => {
  await using cluster = await TestCluster.create({ simulatedNodes: 3 });
  await walkThrough(t, cluster, 'registry.invalid/nginx:1.91');
});

test('a deleted claim goes once no pod uses it, and its namespace with it', async () => {
  await using cluster = await TestCluster.create({ simulatedNodes: 1 });
  await cluster.kubectl('create namespace claims');
  const claim = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: claims}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: user, namespace: claims}
spec:
  containers: [{name: main, image: busybox}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`;
  await cluster.kubectl('apply -f -', { input: claim });
  await cluster.kubectl('-n claims delete pvc data --wait=false');
  assert.match(await cluster.kubectl('-n claims get pvc data'), /Terminating/);
  await cluster.kubectl('-n claims delete pod user --now');
  await cluster.kubectl('-n claims wait --for=delete pvc/data --timeout=30s');
  await cluster.kubectl('-n claims create -f -', { input: claim.split('---')[0]! });
  await cluster.kubectl('delete namespace claims --timeout=30s');
});
