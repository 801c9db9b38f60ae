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
