import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../../testing/test-server.ts';

const group = '/apis/resource.k8s.io/v1/namespaces';
const refusal =
  'admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace';

test('devices are used beside others only where the label of the namespace allows it', async () => {
  await using api = await startTestServer();
  const labels = { 'resource.kubernetes.io/admin-access': 'true' };
  for (const metadata of [{ name: 'shop' }, { name: 'watchers', labels }])
    await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  const ordinary = { name: 'a', exactly: { deviceClassName: 'gpu' } };
  const all = { name: 'b', exactly: { deviceClassName: 'gpu', adminAccess: true } };
  const spec = { devices: { requests: [ordinary, all] } };
  const own = { apiVersion: 'resource.k8s.io/v1', metadata: { name: 'x' } };
  for (const [plural, object] of [
    ['resourceclaims', { ...own, kind: 'ResourceClaim', spec }],
    ['resourceclaimtemplates', { ...own, kind: 'ResourceClaimTemplate', spec: { spec } }],
  ] as const) {
    const { status, body } = await api.call(`POST ${group}/shop/${plural}`, object);
    assert.equal(status, 422);
    const problem = `spec.devices.requests[1].adminAccess: Forbidden: ${refusal}`;
    assert.equal(body.message, `${object.kind}.resource.k8s.io "x" is invalid: ${problem}`);
    await api.create(`${group}/watchers/${plural}`, object);
    await api.create(`${group}/shop/${plural}`, { ...object, metadata: { name: 'none' }, spec: {} });
  }

  await api.create(`${group}/shop/resourceclaims`, {
    ...own,
    kind: 'ResourceClaim',
    spec: { devices: { requests: [ordinary] } },
  });
  const result = { request: 'a', driver: 'example.com', pool: 'p', device: 'd', adminAccess: true };
  const { status, body } = await api.call(
    `PATCH ${group}/shop/resourceclaims/x/status`,
    { status: { allocation: { devices: { results: [result] } } } },
    undefined,
    'application/merge-patch+json',
  );
  assert.equal(status, 422);
  const problem = `status.allocation.devices.results[0].adminAccess: Forbidden: ${refusal}`;
  assert.equal(body.message, `ResourceClaim.resource.k8s.io "x" is invalid: ${problem}`);
});
