import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserInfo } from '../../authn/authenticator.ts';
import { startTestServer } from '../../testing/test-server.ts';

const group = 'resource.k8s.io';
const claims = `/apis/${group}/v1/namespaces/shop/resourceclaims`;
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const driver = 'gpu.example.com';
const driverUser = (node: string): UserInfo => ({
  username: 'system:serviceaccount:shop:driver',
  groups: ['system:authenticated'],
  extra: { 'authentication.kubernetes.io/node-name': [node] },
});
const result = { request: 'a', driver, pool: 'p', device: 'd' };
const onNode = (name: string) => ({
  nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
});
const allocation = { devices: { results: [result] }, nodeSelector: onNode('node-1') };

test('of the status of a claim, everybody writes what they have a right to', async () => {
  await using api = await startTestServer();
  const grant = async (name: string, user: UserInfo, rules: object[]) => {
    await api.create(`${rbac}/clusterroles`, { metadata: { name }, rules });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user.username }];
    await api.create(`${rbac}/clusterrolebindings`, { metadata: { name }, roleRef, subjects });
  };
  const patch = (status: object, user?: UserInfo) =>
    api.call(`PATCH ${claims}/x/status`, { status }, user, 'application/merge-patch+json');
  await api.create('/api/v1/namespaces', { metadata: { name: 'shop' } });
  const requests = [{ name: 'a', exactly: { deviceClassName: 'gpu' } }];
  await api.create(claims, { metadata: { name: 'x' }, spec: { devices: { requests } } });
  await grant('status', driverUser('node-1'), [
    { apiGroups: [group], resources: ['resourceclaims/status'], verbs: ['patch'] },
  ]);

  const bound = await patch({ allocation }, driverUser('node-1'));
  assert.equal(bound.status, 422);
  assert.equal(
    bound.body.details.causes[0].message,
    'Forbidden: changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="patch" permission: resourceclaims.resource.k8s.io is forbidden: User "system:serviceaccount:shop:driver" cannot patch resource "resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope',
  );
  assert.equal(bound.body.details.causes[0].field, 'status.allocation');
  const scheduler = { username: 'system:kube-scheduler', groups: ['system:authenticated'] };
  assert.equal((await patch({ allocation }, scheduler)).status, 200);

  const devices = [{ driver, pool: 'p', device: 'd' }];
  const told = await patch({ devices }, driverUser('node-1'));
  assert.equal(told.status, 422);
  assert.equal(
    told.body.details.causes[0].message,
    'Forbidden: changing status.devices requires resource="resourceclaims/driver", verb="[associated-node:patch arbitrary-node:patch]" permission: resourceclaims.resource.k8s.io "gpu.example.com" is forbidden: User "system:serviceaccount:shop:driver" cannot associated-node:patch resource "resourceclaims/driver" in API group "resource.k8s.io" in the namespace "shop"',
  );
  const verbs = ['associated-node:patch'];
  await grant('devices', driverUser('node-1'), [
    { apiGroups: [group], resources: ['resourceclaims/driver'], resourceNames: [driver], verbs },
  ]);
  const elsewhere = await patch({ devices }, driverUser('node-2'));
  assert.match(elsewhere.body.message, /verb="\[arbitrary-node:patch\]" permission/);
  assert.equal((await patch({ devices }, driverUser('node-1'))).status, 200);
  // Nothing of it changes: nobody is asked.
  await grant('none', { username: 'nobody', groups: [] }, [
    { apiGroups: [group], resources: ['resourceclaims/status'], verbs: ['patch'] },
  ]);
  const nobody = { username: 'nobody', groups: ['system:authenticated'] };
  assert.equal((await patch({ devices, allocation }, nobody)).status, 200);
});
