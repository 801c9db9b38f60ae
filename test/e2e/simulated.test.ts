import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestCluster } from './cluster.ts';
import { walkThrough } from './walk-through.ts';

test('the walk-through on three simulated nodes', async (t) => {
  await using cluster = await TestCluster.create({ simulatedNodes: 3 });
  await walkThrough(t, cluster, 'registry.invalid/nginx:1.91');
});

test('a deleted claim goes once no pod uses it, a range once no address does; a namespace empties itself of pods first', async () => {
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

  const isReady = '--for=condition=Ready --timeout=30s';
  await cluster.kubectl(`wait servicecidr/kubernetes ${isReady}`);
  const range =
    'apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: more}\nspec: {cidrs: [10.98.0.0/24]}\n';
  await cluster.kubectl('create -f -', { input: range });
  await cluster.kubectl(`wait servicecidr/more ${isReady}`);
  await cluster.kubectl('delete servicecidr more --timeout=30s');

  // Pods may need what is in their namespace to end well: it stays until they are gone.
  await cluster.kubectl('create namespace ordered');
  await cluster.kubectl('-n ordered create configmap needed');
  const held = '{"metadata":{"finalizers":["example.com/hold"]}}';
  await cluster.kubectl(`-n ordered run last --image=busybox --overrides=${held}`);
  await cluster.kubectl('delete namespace ordered --wait=false');
  const wait = '--for=condition=NamespaceDeletionContentFailure=False --timeout=30s';
  await cluster.kubectl(`wait namespace/ordered ${wait}`);
  assert.match(await cluster.kubectl('-n ordered get configmap needed -o name'), /needed/);
  await cluster.kubectl('-n ordered patch pod last --type=merge -p {"metadata":{"finalizers":null}}');
  await cluster.kubectl('wait --for=delete namespace/ordered --timeout=30s');
});
