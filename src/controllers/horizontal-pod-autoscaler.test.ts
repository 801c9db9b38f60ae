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
import { type LoneServer, startLoneServer } from '../testing/fed-informers.ts';
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';

const labels = { app: 'web' };
const podSpec = (requests: Record<string, string>) => ({
  containers: [{ name: 'c', image: 'app', resources: { requests } }],
});
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };
const meta = { namespace: 'mine', name: 'web' };

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

/** Two pods in each of two namespaces, all with the same labels; a Deployment and its autoscaler in one of them. */
async function makeWorld({ client, clock, informers }: LoneServer, metrics: object[]): Promise<void> {
  const longAgo = new Date(clock.now() - 600_000).toISOString();
  const ready = {
    phase: 'Running',
    startTime: longAgo,
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: longAgo }],
  };
  const requests = { mine: { cpu: '100m' }, theirs: {} as Record<string, string> };
  for (const [namespace, asked] of Object.entries(requests)) {
    await client.resource(namespaceKind).create({ metadata: { name: namespace }, spec: {} });
    await client.resource(serviceAccountKind).create({ metadata: { namespace, name: 'default' } });
    for (const name of ['a', 'b']) {
      await client.resource(podKind).create({ metadata: { namespace, name, labels }, spec: podSpec(asked) });
      const body = { status: ready };
      await client.resource(podKind).patch({ namespace, name }, body, { type: 'merge', subresource: 'status' });
    }
  }
  const template = { metadata: { labels }, spec: podSpec({ cpu: '100m' }) };
  const spec = { replicas: 2, selector: { matchLabels: labels }, template };
  await client.resource(deploymentKind).create({ metadata: meta, spec } as never);
  const status = { status: { replicas: 2 } };
  await client.resource(deploymentKind).patch(meta, status, { type: 'merge', subresource: 'status' });
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  await client
    .resource(horizontalPodAutoscalerKind)
    .create({ metadata: meta, spec: { scaleTargetRef, maxReplicas: 10, metrics } } as never);
  await informers.catchUp(client, horizontalPodAutoscalerKind, podKind, deploymentKind, replicaSetKind);
}

test('an autoscaler counts the pods of its own namespace, whatever others with the same labels do', async () => {
  await using server = await startLoneServer();
  const { client, clock, context } = server;
  await makeWorld(server, [cpu]);
  const metered = measuring(context.client, '100m', () => clock.now());
  const controller = horizontalPodAutoscaler.setup({ ...context, client: metered }, { add() {}, addAfter() {} });
  await controller.reconcile('mine/web', new AbortController().signal);
  const { status } = await client.resource(horizontalPodAutoscalerKind).get(meta);
  assert.deepEqual(status?.currentMetrics?.[0]?.resource?.current, { averageUtilization: 100, averageValue: '100m' });
  assert.equal((await client.resource(deploymentKind).get(meta)).spec?.replicas, 4);
});

const custom = 'unable to fetch metrics from custom metrics API';
const group = { name: 'custom.metrics.k8s.io', versions: [{ version: 'v1beta1' }] };
const thing = { apiVersion: 'example.com/v1', kind: 'Thing', name: 'x' };
const ofThing = {
  type: 'Object',
  object: { describedObject: thing, metric: { name: 'm' }, target: { type: 'Value', value: '1' } },
};
const ofPods = { type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } } };
for (const { name, metric, groups, problem } of [
  {
    name: 'nobody who measures',
    metric: ofPods,
    groups: [],
    problem: `unable to get metric m: ${custom}: no custom metrics API (custom.metrics.k8s.io) registered`,
  },
  {
    name: 'a version that is not known',
    metric: ofPods,
    groups: [{ ...group, versions: [{ version: 'v7' }] }],
    problem: `unable to get metric m: ${custom}: no known available metric versions found`,
  },
  {
    name: 'an object of a kind that is not there',
    metric: ofThing,
    groups: [group],
    problem: `unable to get metric m: Thing on mine x/${custom}: unable to map kind Thing.example.com to resource: no matches for kind "Thing" in group "example.com"`,
  },
])
  test(`an autoscaler says what is wrong with ${name}`, async () => {
    await using server = await startLoneServer();
    const { client, context } = server;
    await makeWorld(server, [metric]);
    const serving: Client = {
      ...context.client,
      resource: context.client.resource.bind(context.client),
      async getJson<R>(path: string, signal?: AbortSignal, accept?: string): Promise<R> {
        if (path === '/apis' && accept === 'application/json') return { groups } as R;
        return context.client.getJson<R>(path, signal, accept);
      },
    };
    const controller = horizontalPodAutoscaler.setup({ ...context, client: serving }, { add() {}, addAfter() {} });
    await controller.reconcile('mine/web', new AbortController().signal);
    const { status } = await client.resource(horizontalPodAutoscalerKind).get(meta);
    const active = status?.conditions?.find(({ type }) => type === 'ScalingActive');
    assert.equal(active?.message, `the HPA was unable to compute the replica count: ${problem}`);
  });
