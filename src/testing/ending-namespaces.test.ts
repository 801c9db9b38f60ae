import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobKind, namespaceKind, podKind } from '../../generated/kinds.ts';
import { startCluster } from './start-cluster.ts';

test('a namespace ends though a Job in it would replace each failed pod of an index', async () => {
  await using cluster = await startCluster({ nodes: 0 });
  const namespaces = cluster.client.resource(namespaceKind);
  await namespaces.create({ metadata: { name: 'a' } } as never);
  await cluster.clock.advance('1s');
  await cluster.client.resource(jobKind).create({
    metadata: { name: 'j', namespace: 'a' },
    spec: {
      ...{ completions: 2, parallelism: 2, completionMode: 'Indexed', backoffLimitPerIndex: 1 },
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } },
    } as never,
  });
  await cluster.clock.advance('5s');
  assert.equal((await cluster.client.resource(podKind).list({ namespace: 'a' })).items.length, 2);
  await namespaces.delete({ namespace: '', name: 'a' });
  await cluster.clock.advance('2m');
  assert.equal(await namespaces.find({ namespace: '', name: 'a' }), undefined);
});

test('a namespace ends though a Job in it was suspended when its pods of an index had failed', async () => {
  await using cluster = await startCluster();
  const namespaces = cluster.client.resource(namespaceKind);
  await namespaces.create({ metadata: { name: 'a' } } as never);
  await cluster.clock.advance('1s');
  const jobs = cluster.client.resource(jobKind);
  const annotations = {
    'simulated.coracle.dev/run-seconds': '1',
    'simulated.coracle.dev/exit-code': '1',
  };
  await jobs.create({
    metadata: { name: 'j', namespace: 'a' },
    spec: {
      ...{ completions: 1, parallelism: 1, completionMode: 'Indexed', backoffLimitPerIndex: 1 },
      template: {
        metadata: { annotations },
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] },
      },
    } as never,
  });
  await cluster.clock.advance('3s');
  await jobs.patch({ namespace: 'a', name: 'j' }, { spec: { suspend: true } }, { type: 'merge' });
  await cluster.clock.advance('1m');
  const pods = cluster.client.resource(podKind);
  const [failed, ...others] = (await pods.list({ namespace: 'a' })).items;
  assert.deepEqual([failed?.status?.phase, others], ['Failed', []]);
  await pods.delete({ namespace: 'a', name: failed!.metadata.name });
  await cluster.clock.advance('1m');
  // What it counts is needed when the Job goes on.
  assert.equal((await pods.list({ namespace: 'a' })).items.length, 1);
  await namespaces.delete({ namespace: '', name: 'a' });
  await cluster.clock.advance('2m');
  assert.equal(await namespaces.find({ namespace: '', name: 'a' }), undefined);
});
