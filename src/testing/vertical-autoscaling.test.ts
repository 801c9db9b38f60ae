// Vertical autoscaling from end to end, over days that pass in seconds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  customResourceDefinitionKind,
  deploymentKind,
  eventKind,
  podDisruptionBudgetKind,
  podKind,
} from '../../generated/kinds.ts';
import { millisOf } from '../api/meta/quantity.ts';
import { vpaDefinitions } from '../api/vertical-pod-autoscaler/definitions.ts';
import {
  type VerticalPodAutoscaler,
  verticalPodAutoscalerCheckpointKind,
  verticalPodAutoscalerKind,
} from '../api/vertical-pod-autoscaler/types.ts';
import { startCluster, type TestingCluster } from './start-cluster.ts';

const namespace = 'default';

async function withVpa(): Promise<TestingCluster> {
  const cluster = await startCluster({ nodes: 2 });
  for (const definition of vpaDefinitions)
    await cluster.client.resource(customResourceDefinitionKind).create(definition);
  await cluster.clock.advance('5s');
  return cluster;
}

async function deploy({ client, clock }: TestingCluster, name: string, replicas = 4): Promise<void> {
  const annotations = { 'simulated.coracle.dev/cpu': '500m', 'simulated.coracle.dev/memory': '600Mi' };
  const resources = { requests: { cpu: '100m', memory: '300Mi' }, limits: { cpu: '200m', memory: '300Mi' } };
  await client.resource(deploymentKind).create({
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, annotations },
        spec: { containers: [{ name: 'c', image: 'app', resources }] },
      },
    } as never,
  });
  await clock.advance('10s');
}

const vpaFor = (name: string, more: object = {}): VerticalPodAutoscaler => ({
  metadata: { name, namespace },
  spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...more },
});

const podsOf = async ({ client }: TestingCluster, app: string) =>
  (await client.resource(podKind).list({ namespace, labelSelector: `app=${app}` })).items;
const cpuOf = (pods: Awaited<ReturnType<typeof podsOf>>) =>
  pods.map(({ spec }) => millisOf(spec.containers[0]!.resources?.requests?.['cpu']));
const messages = async ({ client }: TestingCluster, reason: string) =>
  (await client.resource(eventKind).list({ namespace })).items
    .filter((event) => event.reason === reason)
    .map((event) => event.message);

test('pods are recommended what they use, and recreated with it, half of them at a time', async () => {
  await using cluster = await withVpa();
  const { client, clock } = cluster;
  await deploy(cluster, 'web');
  const vpas = client.resource(verticalPodAutoscalerKind);
  const made = await vpas.create(vpaFor('web'));
  assert.deepEqual(made.spec.updatePolicy, { updateMode: 'Recreate' });
  await clock.advance('5s');
  const key = { namespace, name: 'web' };
  const first = await vpas.get(key);
  assert.deepEqual(
    first.status?.conditions?.map(({ type, status }) => `${type}=${status}`),
    ['RecommendationProvided=True'],
  );
  const [recommendation] = first.status!.recommendation!.containerRecommendations!;
  assert.ok(millisOf(recommendation!.target['cpu']) > 575 && millisOf(recommendation!.target['cpu']) < 650);
  await clock.advance('63s');
  assert.equal((await messages(cluster, 'EvictedByVPA')).length, 0, 'one sample is no ground to evict anybody');
  await clock.advance('10m');
  const pods = await podsOf(cluster, 'web');
  assert.equal(pods.length, 4);
  for (const millis of cpuOf(pods)) assert.ok(millis > 575 && millis < 650, `${millis}`);
  const [{ spec, metadata }] = pods as [(typeof pods)[0]];
  assert.equal(
    millisOf(spec.containers[0]!.resources!.limits!['cpu']),
    2 * cpuOf(pods)[0]!,
    'limits keep their proportion',
  );
  assert.match(
    metadata.annotations!['vpaUpdates']!,
    /^Pod resources updated by web: container 0: cpu request, memory request, cpu limit, memory limit$/,
  );
  assert.equal(metadata.annotations!['vpaObservedContainers'], 'c');
  const [evicted] = await messages(cluster, 'EvictedByVPA');
  assert.equal(evicted, 'Pod was evicted by VPA Updater to apply resource recommendation.');
  const checkpoint = await client.resource(verticalPodAutoscalerCheckpointKind).get({ namespace, name: 'web-c' });
  assert.equal(checkpoint.status?.version, 'v3');
  assert.ok(checkpoint.status!.totalSamplesCount! > 20);
});

test('off only recommends; a budget is kept; running pods are resized where that is asked for', async () => {
  await using cluster = await withVpa();
  const { client, clock } = cluster;
  for (const name of ['off', 'kept', 'inplace']) await deploy(cluster, name, 2);
  const vpas = client.resource(verticalPodAutoscalerKind);
  await vpas.create(vpaFor('off', { updatePolicy: { updateMode: 'Off' } }));
  await vpas.create(vpaFor('kept', { updatePolicy: { updateMode: 'Recreate' } }));
  await vpas.create(vpaFor('inplace', { updatePolicy: { updateMode: 'InPlaceOrRecreate' } }));
  await client.resource(podDisruptionBudgetKind).create({
    metadata: { name: 'kept', namespace },
    spec: { minAvailable: 2, selector: { matchLabels: { app: 'kept' } } },
  });
  const before = (await podsOf(cluster, 'inplace')).map(({ metadata }) => metadata.uid).sort();
  await clock.advance('15m');
  assert.deepEqual(cpuOf(await podsOf(cluster, 'off')), [100, 100]);
  assert.deepEqual(cpuOf(await podsOf(cluster, 'kept')), [100, 100]);
  const after = await podsOf(cluster, 'inplace');
  assert.deepEqual(after.map(({ metadata }) => metadata.uid).sort(), before);
  for (const millis of cpuOf(after)) assert.ok(millis > 575 && millis < 650, `${millis}`);
  assert.equal(after[0]!.metadata.annotations?.['vpaInPlaceUpdated'], 'true');
});

test('what is wrong with an autoscaler is said', async () => {
  await using cluster = await withVpa();
  const { client, clock } = cluster;
  const vpas = client.resource(verticalPodAutoscalerKind);
  const bad = vpaFor('bad', { updatePolicy: { updateMode: 'Off', minReplicas: 0 } });
  await assert.rejects(vpas.create(bad), /minReplicas has to be positive, got 0/);
  await vpas.create(vpaFor('nobody'));
  await clock.advance('5s');
  const { status } = await vpas.get({ namespace, name: 'nobody' });
  assert.deepEqual(
    status?.conditions?.map(({ type, status: value, message }) => [type, value, message]),
    [
      ['ConfigUnsupported', 'True', 'Cannot read targetRef. Reason: Deployment default/nobody does not exist'],
      ['NoPodsMatched', 'True', 'No pods match this VPA object'],
      ['RecommendationProvided', 'False', 'No pods match this VPA object'],
    ],
  );
});
