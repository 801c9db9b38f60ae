// Node autoscaling from end to end, on time that the test moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configMapKind,
  deploymentKind,
  eventKind,
  nodeKind,
  podDisruptionBudgetKind,
  podKind,
} from '../../generated/kinds.ts';
import type { NodeAutoscalerConfig } from '../controllers/node-autoscaler/config.ts';
import { startCluster, type TestingCluster } from './start-cluster.ts';

const namespace = 'default';
const small = { name: 'small', min: 0, max: 4, resources: { cpu: '2', memory: '4Gi' }, bootSeconds: 20 };
const large = { name: 'large', min: 0, max: 2, resources: { cpu: '16', memory: '64Gi' }, bootSeconds: 20 };

const start = (config: NodeAutoscalerConfig) => startCluster({ nodes: 0, nodeAutoscaling: config });

async function deploy(
  { client }: TestingCluster,
  name: string,
  replicas: number,
  cpu: string,
  more: object = {},
): Promise<void> {
  const labels = { app: name };
  const containers = [{ name: 'c', image: 'app', resources: { requests: { cpu, memory: '100Mi' } } }];
  await client.resource(deploymentKind).create({
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels, ...more }, spec: { containers } },
    } as never,
  });
}

const scale = ({ client }: TestingCluster, name: string, replicas: number) =>
  client.resource(deploymentKind).patch({ namespace, name }, { spec: { replicas } }, { type: 'merge' });
const nodesOf = async ({ client }: TestingCluster) => (await client.resource(nodeKind).list()).items;
const groupsOf = async (cluster: TestingCluster) =>
  (await nodesOf(cluster)).map(({ metadata }) => metadata.labels!['simulated.coracle.dev/node-group']!).sort();
const running = async ({ client }: TestingCluster) =>
  (await client.resource(podKind).list({ namespace })).items.filter(({ status }) => status?.phase === 'Running').length;
const told = async ({ client }: TestingCluster, reason: string) =>
  (await client.resource(eventKind).list()).items
    .filter((event) => event.reason === reason)
    .map(({ message }) => message!);

test('pods that find no room get as many nodes as they need, of the group that wastes least', async () => {
  await using cluster = await start({ groups: [small, large] });
  await deploy(cluster, 'web', 5, '800m');
  await cluster.clock.advance('90s');
  assert.deepEqual(await groupsOf(cluster), ['small', 'small', 'small']);
  assert.equal(await running(cluster), 5);
  const [message] = await told(cluster, 'TriggeredScaleUp');
  assert.equal(message, 'pod triggered scale-up: [{small 0->3 (max: 4)}]');
  const status = await cluster.client
    .resource(configMapKind)
    .get({ namespace: 'kube-system', name: 'cluster-autoscaler-status' });
  assert.match(status.data!['status']!, /autoscalerStatus: Running/);
  assert.match(status.data!['status']!, /cloudProviderTarget: 3/);
});

test('what no group can hold stays pending, and is told why', async () => {
  await using cluster = await start({ groups: [{ ...small, max: 1 }] });
  await deploy(cluster, 'huge', 1, '8');
  await cluster.clock.advance('60s');
  assert.deepEqual(await groupsOf(cluster), []);
  assert.equal((await told(cluster, 'NotTriggerScaleUp'))[0], "pod didn't trigger scale-up: 1 Insufficient cpu");
  await deploy(cluster, 'many', 4, '900m');
  await cluster.clock.advance('120s');
  assert.deepEqual(await groupsOf(cluster), ['small']);
  const said = await told(cluster, 'NotTriggerScaleUp');
  assert.ok(said.includes("pod didn't trigger scale-up: 1 max node group size reached"), said.join('\n'));
});

test('nodes that nobody needs go after ten minutes, their pods moved within budgets; no fewer than the least', async () => {
  await using cluster = await start({ groups: [{ ...small, min: 1 }] });
  await deploy(cluster, 'web', 6, '600m');
  await cluster.clock.advance('2m');
  assert.equal((await groupsOf(cluster)).length, 2);
  await deploy(cluster, 'batch', 3, '1500m');
  await cluster.clock.advance('2m');
  assert.equal((await groupsOf(cluster)).length, 4);
  await scale(cluster, 'batch', 0);
  await scale(cluster, 'web', 2);
  await cluster.client.resource(podDisruptionBudgetKind).create({
    metadata: { name: 'web', namespace },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  });
  await cluster.clock.advance('5m');
  assert.equal((await groupsOf(cluster)).length, 4, 'too early');
  let least = Number.POSITIVE_INFINITY;
  for (let minute = 0; minute < 16; minute++) {
    await cluster.clock.advance('1m');
    least = Math.min(least, await running(cluster));
  }
  assert.equal((await groupsOf(cluster)).length, 1);
  assert.equal(await running(cluster), 2);
  assert.ok(least >= 1, 'the budget was kept');
  assert.ok(
    (await told(cluster, 'ScaleDownEmpty')).some((message) => /^Scale-down: removing empty node "small-/.test(message)),
  );
});

test('annotations, local storage and lonely pods hold a node', async () => {
  const times = { scaleDownUnneededTime: 60_000, scaleDownDelayAfterAdd: 60_000 };
  await using cluster = await start({ groups: [small], times });
  await deploy(cluster, 'held', 1, '100m', {
    annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' },
  });
  await deploy(cluster, 'filler', 1, '1700m');
  await cluster.clock.advance('2m');
  await deploy(cluster, 'other', 1, '1900m');
  await cluster.clock.advance('2m');
  assert.equal((await groupsOf(cluster)).length, 2);
  await scale(cluster, 'filler', 0);
  await cluster.clock.advance('4m');
  assert.equal((await groupsOf(cluster)).length, 2, 'the pod may not be evicted');
  const [keep, ...others] = (await nodesOf(cluster)).map(({ metadata }) => metadata.name);
  const annotations = { 'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true' };
  await cluster.client
    .resource(nodeKind)
    .patch({ namespace: '', name: keep! }, { metadata: { annotations } }, { type: 'merge' });
  for (const name of ['held', 'other']) await scale(cluster, name, 0);
  await cluster.clock.advance('4m');
  assert.deepEqual(
    (await nodesOf(cluster)).map(({ metadata }) => metadata.name),
    [keep],
  );
  assert.equal(others.length, 1);
});

test('the group of the highest priority grows first', async () => {
  await using cluster = await start({ groups: [small, large], expander: 'priority' });
  await cluster.client.resource(configMapKind).create({
    metadata: { namespace: 'kube-system', name: 'cluster-autoscaler-priority-expander' },
    data: { priorities: '10:\n- small.*\n50:\n- ^large$\n' },
  });
  await deploy(cluster, 'web', 1, '500m');
  await cluster.clock.advance('60s');
  assert.deepEqual(await groupsOf(cluster), ['large']);
});
