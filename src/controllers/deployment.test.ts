import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentKind, namespaceKind, podKind, replicaSetKind } from '../../generated/kinds.ts';
import { startLoneServer } from '../testing/fed-informers.ts';
import { deploymentController } from './deployment.ts';

test('a Deployment changed again before its set is seen gets no other set meanwhile, and no more pods than the surge', async () => {
  await using server = await startLoneServer();
  const { client, informers, context } = server;
  const [namespace, name] = ['shop', 'web'];
  await client.resource(namespaceKind).create({ metadata: { name: namespace }, spec: {} });
  const labels = { app: name };
  await client.resource(deploymentKind).create({
    metadata: { namespace, name },
    spec: {
      replicas: 5,
      selector: { matchLabels: labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'app:1' }] } },
    } as never,
  });
  const delays: number[] = [];
  const controller = deploymentController.setup(context, { add() {}, addAfter: (_, delayMs) => delays.push(delayMs) });
  const look = () => controller.reconcile(`${namespace}/${name}`, new AbortController().signal);
  const sizes = async () =>
    (await client.resource(replicaSetKind).list({ namespace })).items.map(({ spec }) => spec?.replicas).sort();

  await informers.catchUp(client, deploymentKind, replicaSetKind, podKind);
  await look();
  assert.deepEqual(await sizes(), [5]);

  const patch = { spec: { template: { spec: { containers: [{ name: 'c', image: 'app:2' }] } } } };
  await client.resource(deploymentKind).patch({ namespace, name }, patch, { type: 'merge' });
  await informers.catchUp(client, deploymentKind);
  await look();
  assert.deepEqual(await sizes(), [5]);
  assert.ok(delays.at(-1)! <= 1000, 'it looks again soon, whatever the caches tell');

  await informers.catchUp(client, replicaSetKind);
  await look();
  assert.deepEqual(await sizes(), [1, 5]);
});
