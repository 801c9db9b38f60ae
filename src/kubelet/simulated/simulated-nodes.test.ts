import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { nodeKind, podKind } from '../../../generated/kinds.ts';
import { FakeClock } from '../../base/clock-fake.ts';
import { silentLogger } from '../../base/log.ts';
import { seededRandom } from '../../base/random.ts';
import { createInformerFactory } from '../../reconcile/informer-factory.ts';
import { createFakeCluster } from '../testing/fake-cluster.ts';
import { createSimulatedNodes } from './simulated-nodes.ts';

async function withNodes(
  count: number,
  body: (world: { clock: FakeClock; cluster: ReturnType<typeof createFakeCluster> }) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const cluster = createFakeCluster();
  const log = silentLogger;
  const informers = createInformerFactory({ client: cluster.client, clock, random: seededRandom(7), log });
  const stopping = new AbortController();
  const nodes = createSimulatedNodes({ client: cluster.client, informers, clock, log, count });
  const done = Promise.all([nodes.run(stopping.signal), informers.run(stopping.signal)]);
  for (let turn = 0; turn < 20; turn++) await clock.advance(50);
  try {
    await body({ clock, cluster });
  } finally {
    stopping.abort();
    await clock.advance(1_000);
    await done;
  }
}

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

test('simulated nodes register, keep their leases and run pods of a programmed life', async () => {
  await withNodes(3, async ({ clock, cluster }) => {
    assert.deepEqual(
      cluster
        .objects('nodes')
        .map(({ metadata }) => metadata.name)
        .sort(),
      ['simulated-0', 'simulated-1', 'simulated-2'],
    );
    const pods = cluster.client.resource(podKind);
    const create = (name: string, restartPolicy: 'Always' | 'Never', annotations: Record<string, string>) =>
      pods.create({
        metadata: { name, namespace: 'default', annotations },
        spec: {
          nodeName: 'simulated-1',
          restartPolicy,
          containers: [{ name: 'c', image: 'app', readinessProbe: { exec: { command: ['x'] }, periodSeconds: 1 } }],
        },
      });
    const find = (name: string): Pod => cluster.objects('pods').find(({ metadata }) => metadata.name === name);
    await create('server', 'Always', { 'simulated.coracle.dev/ready-seconds': '5' });
    await create('failing', 'Never', {
      'simulated.coracle.dev/run-seconds': '2',
      'simulated.coracle.dev/exit-code': '4',
    });
    await create('elsewhere', 'Never', {}).then((pod) =>
      pods.delete({ namespace: 'default', name: pod.metadata.name }),
    );
    for (let turn = 0; turn < 30; turn++) await clock.advance(100);
    assert.equal(find('server').status?.phase, 'Running');
    assert.equal(isReady(find('server')), false);
    assert.equal(find('failing').status?.phase, 'Failed');
    assert.equal(find('failing').status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 4);
    assert.equal(find('elsewhere'), undefined, 'a deleted pod goes');
    for (let turn = 0; turn < 60; turn++) await clock.advance(100);
    assert.equal(isReady(find('server')), true);
    for (let turn = 0; turn < 50; turn++) await clock.advance(250);
    assert.equal(cluster.objects('leases').length, 3);
  });
});

test('a node that somebody makes joins them with the room it names, and runs pods until its object is deleted', async () => {
  await withNodes(1, async ({ clock, cluster }) => {
    const nodes = cluster.client.resource(nodeKind);
    const find = (name: string) => cluster.objects('nodes').find(({ metadata }) => metadata.name === name);
    const annotations = { 'kwok.x-k8s.io/node': 'fake' };
    await nodes.create({
      metadata: { name: 'extra', annotations },
      spec: { podCIDR: '10.9.8.0/24' },
      status: { capacity: { cpu: '4', memory: '8Gi', pods: '5' } },
    });
    await cluster.client.resource(podKind).create({
      metadata: { name: 'early', namespace: 'default' },
      spec: { nodeName: 'extra', containers: [{ name: 'c', image: 'app' }] },
    });
    for (let turn = 0; turn < 80; turn++) await clock.advance(250);
    assert.equal(find('extra').status.allocatable.cpu, '4');
    assert.equal(find('extra').status.allocatable.pods, '5');
    assert.equal(find('extra').metadata.labels['kubernetes.io/hostname'], 'extra');
    assert.ok(cluster.objects('leases').some(({ metadata }) => metadata.name === 'extra'));
    const early = cluster.objects('pods').find(({ metadata }) => metadata.name === 'early');
    assert.equal(early.status?.phase, 'Running', 'a pod that was there before');
    assert.equal(early.status?.podIP, '10.9.8.2', 'of the range of its node');
    await nodes.delete({ namespace: '', name: 'extra' });
    const renewed = () => cluster.objects('leases').find(({ metadata }) => metadata.name === 'extra').spec.renewTime;
    const last = renewed();
    for (let turn = 0; turn < 80; turn++) await clock.advance(250);
    assert.equal(renewed(), last);
  });
});
