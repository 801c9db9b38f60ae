import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../../testing/test-server.ts';

const kubelet = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };

test('a node makes mirror pods that it owns, and no others', async () => {
  await using api = await startTestServer();
  const node = await api.create('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: node.metadata.uid, controller: true };
  const make = (ownerReferences: object[]) => {
    const metadata = { name: 'web', annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences };
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] };
    return api.call('POST /api/v1/namespaces/default/pods', { apiVersion: 'v1', kind: 'Pod', metadata, spec }, kubelet);
  };
  const refused = await make([]);
  assert.equal(refused.status, 403);
  assert.match(refused.body.message, /node "n1" can only create pods with an owner reference set to itself$/);
  assert.equal((await make([owner])).status, 201);
});
