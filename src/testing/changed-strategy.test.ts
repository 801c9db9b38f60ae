import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentKind, replicaSetKind } from '../../generated/kinds.ts';
import { startCluster } from './start-cluster.ts';

test('a rollout that is changed to Recreate and scaled in its middle comes to its end', async () => {
  await using cluster = await startCluster();
  const deployments = cluster.client.resource(deploymentKind);
  const key = { namespace: 'default', name: 'web' };
  const labels = { app: 'web' };
  const annotations = { 'simulated.coracle.dev/ready-seconds': '600' };
  const container = { name: 'c', image: 'app:1', readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } };
  await cluster.clock.advance('1s');
  const spec = {
    replicas: 2,
    selector: { matchLabels: labels },
    template: { metadata: { labels, annotations }, spec: { containers: [container] } },
  };
  await deployments.create({ metadata: key, spec: spec as never });
  await cluster.clock.advance('10s');
  const change = async (patch: object) => {
    await deployments.patch(key, { spec: patch }, { type: 'merge' });
    await cluster.clock.advance('10s');
  };
  const sizes = async () =>
    (await cluster.client.resource(replicaSetKind).list({ namespace: 'default' })).items
      .map(({ spec }) => spec?.replicas)
      .sort();
  await change({ template: { spec: { containers: [{ ...container, image: 'app:2' }] } } });
  assert.equal((await sizes()).filter((size) => size! > 0).length, 2, 'in the middle of a rollout');
  await change({ replicas: 6, strategy: { type: 'Recreate', rollingUpdate: null } });
  await cluster.clock.advance('1m');
  assert.deepEqual(await sizes(), [0, 6]);
});
