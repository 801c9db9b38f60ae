import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, startCluster } from 'coracle/testing';
import { runOperator } from './operator.ts';

test('the operator copies what asks for it, and keeps the copy up to date', async () => {
  await using cluster = await startCluster({ nodes: 0, seed: 7 });
  const configMaps = cluster.client.resource(kinds.configMapKind);
  await cluster.client.resource(kinds.namespaceKind).create({ metadata: { name: 'there' }, spec: {} });
  const stopping = new AbortController();
  const running = runOperator(cluster.client, stopping.signal);
  await cluster.clock.settle();

  const labels = { 'copy-to': 'there' };
  await configMaps.create({ metadata: { name: 'colours', namespace: 'default', labels }, data: { sky: 'blue' } });
  await cluster.clock.settle(); // everything that needs no time has happened now
  const copy = { namespace: 'there', name: 'colours' };
  assert.deepEqual((await configMaps.get(copy)).data, { sky: 'blue' });

  await configMaps.delete({ namespace: 'default', name: 'colours' });
  await cluster.clock.settle();
  assert.equal(await configMaps.find(copy), undefined);
  stopping.abort();
  await running;
});
