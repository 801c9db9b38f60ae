import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CronJob } from '../../generated/batch-v1.ts';
import {
  configMapKind,
  cronJobKind,
  deploymentKind,
  eventKind,
  jobKind,
  nodeKind,
  podKind,
} from '../../generated/kinds.ts';
import { startCluster } from './start-cluster.ts';

const containers = [{ name: 'c', image: 'busybox' }];

test('a Deployment has its pods without any real time passing', async () => {
  await using cluster = await startCluster({ nodes: 2 });
  const labels = { app: 'web' };
  await cluster.client.resource(deploymentKind).create({
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    } as never,
  });
  await cluster.clock.advance('10s');
  const web = await cluster.client.resource(deploymentKind).get({ namespace: 'default', name: 'web' });
  assert.equal(web.status?.availableReplicas, 3);
});

test('a CronJob runs when its time comes, not before', async () => {
  await using cluster = await startCluster({ startAt: new Date('2030-01-02T03:00:00Z') });
  await cluster.client.resource(cronJobKind).create({
    metadata: { name: 'nightly', namespace: 'default' },
    spec: {
      schedule: '30 3 * * *',
      jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers } } } },
    } as unknown as CronJob['spec'],
  });
  await cluster.clock.advance('29m');
  assert.equal((await cluster.client.resource(jobKind).list()).items.length, 0);
  await cluster.clock.advance('2m');
  const { items } = await cluster.client.resource(jobKind).list();
  assert.equal(items.length, 1);
  assert.equal(items[0]!.status?.succeeded, 1);
  assert.equal(items[0]!.status?.startTime, '2030-01-02T03:30:00Z');
});

test('the same seed gives the same names', async () => {
  const run = async (seed: number) => {
    await using cluster = await startCluster({ seed });
    await cluster.client.resource(jobKind).create({
      metadata: { name: 'j', namespace: 'default' },
      spec: { completions: 3, parallelism: 3, template: { spec: { restartPolicy: 'Never', containers } } } as never,
    });
    await cluster.clock.advance('5s');
    return (await cluster.client.resource(podKind).list()).items.map(
      ({ metadata }) => `${metadata.name} ${metadata.uid}`,
    );
  };
  const [first, second, other] = [await run(7), await run(7), await run(8)];
  assert.equal(first.length, 3);
  assert.deepEqual(first, second);
  assert.notDeepEqual(first, other);
});

test('pods and nodes live by the simulation, which can change while they do', async () => {
  const simulation = `
nodes:
- zones: [a, b]
  cpu: 4
pods:
- match: {labels: {app: slow}}
  start-seconds: 5
  ready-seconds: 10
`;
  await using cluster = await startCluster({ nodes: 3, simulation });
  const pods = cluster.client.resource(podKind);
  const nodes = await cluster.client.resource(nodeKind).list();
  const zones = nodes.items.map(({ metadata }) => metadata.labels?.['topology.kubernetes.io/zone']);
  assert.deepEqual(zones, ['a', 'b', 'a']);
  assert.equal(nodes.items[0]!.status?.capacity?.['cpu'], '4');
  const slow = { namespace: 'default', name: 'slow' };
  await pods.create({ metadata: { ...slow, labels: { app: 'slow' } }, spec: { containers } } as never);
  const state = async () => {
    const { status } = await pods.get(slow);
    const isReady = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
    return `${status?.phase} ${isReady}`;
  };
  await cluster.clock.advance('4s');
  assert.equal(await state(), 'Pending false');
  await cluster.clock.advance('5s');
  assert.equal(await state(), 'Running false');
  await cluster.clock.advance('10s');
  assert.equal(await state(), 'Running true');

  const maps = cluster.client.resource(configMapKind);
  const program = { namespace: 'kube-system', name: 'simulation' };
  await maps.patch(program, { data: { 'simulation.yaml': 'nodes: [{cpu: 8}]' } }, { type: 'merge' });
  await cluster.clock.advance('20s');
  const node = await cluster.client.resource(nodeKind).get({ namespace: '', name: 'simulated-1' });
  assert.equal(node.status?.capacity?.['cpu'], '8');
  await maps.patch(program, { data: { 'simulation.yaml': 'nodes: [{cpu: 0}]' } }, { type: 'merge' });
  await cluster.clock.advance('5s');
  const events = await cluster.client.resource(eventKind).list({ namespace: 'kube-system' });
  assert.match(events.items.at(-1)?.message ?? '', /nodes\[0\]\.cpu: must be a quantity above zero/);
});
