import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  deploymentKind,
  horizontalPodAutoscalerKind,
  namespaceKind,
  podKind,
  replicaSetKind,
  serviceAccountKind,
} from '../../generated/kinds.ts';
import type { Client } from '../client/client.ts';
import { startLoneServer } from '../testing/fed-informers.ts';
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';

const labels = { app: 'web' };
const podSpec = (requests: Record<string, string>) => ({
  containers: [{ name: 'c', image: 'app', resources: { requests } }],
});
const wanted = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } };

/** Every pod of the namespace uses so much. */
const measuring = (client: Client, cpu: string, atMs: () => number): Client => ({
  ...client,
  resource: client.resource.bind(client),
  async getJson<R>(path: string, ...rest: [AbortSignal?, string?]): Promise<R> {
    const [, namespace] = /^\/apis\/metrics\.k8s\.io\/v1beta1\/namespaces\/(\w+)\/pods/.exec(path) ?? [];
    if (!namespace) return client.getJson<R>(path, ...rest);
    const { items } = await client.resource(podKind).list({ namespace });
    const timestamp = new Date(atMs()).toISOString();
    const containers = [{ name: 'c', usage: { cpu } }];
    return { items: items.map(({ metadata }) => ({ metadata, timestamp, window: '1s', containers })) } as R;
  },
});

test('an autoscaler counts the pods of its own namespace, whatever others with the same labels do', async () => {
  await using server = await startLoneServer();
  const { client, clock, context, informers } = server;
  const ready = {
    phase: 'Running',
    startTime: new Date(clock.now() - 600_000).toISOString(),
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: new Date(clock.now() - 600_000).toISOString() }],
  };
  const namespace = 'mine';
  for (const [each, requests] of [
    [namespace, { cpu: '100m' }],
    ['theirs', {} as Record<string, string>],
  ] as const) {
    await client.resource(namespaceKind).create({ metadata: { name: each }, spec: {} });
    await client.resource(serviceAccountKind).create({ metadata: { namespace: each, name: 'default' } });
    for (const name of ['a', 'b']) {
      await client.resource(podKind).create({ metadata: { namespace: each, name, labels }, spec: podSpec(requests) });
      await client
        .resource(podKind)
        .patch({ namespace: each, name }, { status: ready }, { type: 'merge', subresource: 'status' });
    }
  }
  const meta = { namespace, name: 'web' };
  const template = { metadata: { labels }, spec: podSpec({ cpu: '100m' }) };
  await client
    .resource(deploymentKind)
    .create({ metadata: meta, spec: { replicas: 2, selector: { matchLabels: labels }, template } } as never);
  await client
    .resource(deploymentKind)
    .patch(meta, { status: { replicas: 2 } }, { type: 'merge', subresource: 'status' });
  await client.resource(horizontalPodAutoscalerKind).create({
    metadata: meta,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      maxReplicas: 10,
      metrics: [{ type: 'Resource', resource: wanted }],
    },
  } as never);
  await informers.catchUp(client, horizontalPodAutoscalerKind, podKind, deploymentKind, replicaSetKind);
  const metered = measuring(context.client, '100m', () => clock.now());
  const controller = horizontalPodAutoscaler.setup({ ...context, client: metered }, { add() {}, addAfter() {} });
  await controller.reconcile('mine/web', new AbortController().signal);
  const { status } = await client.resource(horizontalPodAutoscalerKind).get(meta);
  assert.deepEqual(status?.currentMetrics?.[0]?.resource?.current, { averageUtilization: 100, averageValue: '100m' });
  assert.equal((await client.resource(deploymentKind).get(meta)).spec?.replicas, 4);
});
