import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { persistentVolumeClaimKind, persistentVolumeKind, podKind } from '../../../generated/kinds.ts';
import { parseFieldSelector } from '../../api/meta/selectors.ts';
import { FakeObjects } from '../testing/fake-objects.ts';
import type { AuthorizationAttributes, Decision } from './authorizer.ts';
import { nodeAuthorizer } from './node.ts';

const kubelet = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };

const objects = new FakeObjects(
  [
    podKind,
    {
      metadata: { namespace: 'shop', name: 'web' },
      spec: {
        nodeName: 'n1',
        serviceAccountName: 'robot',
        imagePullSecrets: [{ name: 'registry' }],
        initContainers: [{ name: 'i', envFrom: [{ secretRef: { name: 'from-init' } }] }],
        containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'from-env', key: 'k' } } }] }],
        volumes: [
          { name: 's', secret: { secretName: 'from-volume' } },
          { name: 'p', projected: { sources: [{ configMap: { name: 'from-projected' } }] } },
          { name: 'd', persistentVolumeClaim: { claimName: 'data' } },
        ],
      },
    },
  ],
  [
    podKind,
    {
      metadata: { namespace: 'shop', name: 'far' },
      spec: { nodeName: 'n2', imagePullSecrets: [{ name: 'far' }], containers: [] },
    },
  ],
  [
    podKind,
    {
      metadata: { namespace: 'shop', name: 'mirror', annotations: { 'kubernetes.io/config.mirror': 'x' } },
      spec: { nodeName: 'n1', imagePullSecrets: [{ name: 'stolen' }], containers: [] },
    },
  ],
  [persistentVolumeClaimKind, { metadata: { namespace: 'shop', name: 'data' }, spec: { volumeName: 'disk' } }],
  [persistentVolumeKind, { metadata: { name: 'disk' }, spec: { claimRef: { namespace: 'shop', name: 'data' } } }],
  [persistentVolumeKind, { metadata: { name: 'other' }, spec: { claimRef: { namespace: 'shop', name: 'data' } } }],
);
const authorizer = nodeAuthorizer(objects);

function ask(verb: string, target: string, place = '', more: Partial<AuthorizationAttributes> = {}): Decision {
  const [full, subresource = ''] = target.split('/');
  const [resource, ...group] = full!.split('.');
  const [namespace, name] = place.includes('/') ? place.split('/') : ['', place];
  const base = { user: kubelet, verb, isResource: true, group: group.join('.'), version: 'v1', path: '' };
  return authorizer.authorize({
    ...base,
    resource: resource!,
    subresource,
    namespace: namespace!,
    name: name!,
    ...more,
  }) as Decision;
}

describe('the Node authorizer', () => {
  for (const [verb, target, place, want] of [
    ['get', 'secrets', 'shop/registry', true],
    ['get', 'secrets', 'shop/from-init', true],
    ['watch', 'secrets', 'shop/from-env', true],
    ['list', 'secrets', 'shop/from-volume', true],
    ['get', 'secrets', 'other/registry', false],
    ['get', 'secrets', 'shop/far', false],
    ['get', 'secrets', 'shop/stolen', false],
    ['list', 'secrets', 'shop/', false],
    ['update', 'secrets', 'shop/registry', false],
    ['get', 'configmaps', 'shop/from-projected', true],
    ['get', 'configmaps', 'shop/registry', false],
    ['get', 'persistentvolumeclaims', 'shop/data', true],
    ['list', 'persistentvolumeclaims', 'shop/', false],
    ['get', 'persistentvolumes', 'disk', true],
    ['get', 'persistentvolumes', 'other', true],
    ['get', 'persistentvolumes', 'far', false],
    ['create', 'serviceaccounts/token', 'shop/robot', true],
    ['create', 'serviceaccounts/token', 'shop/default', false],
    ['get', 'pods', 'shop/web', true],
    ['get', 'pods', 'shop/far', false],
    ['update', 'pods', 'shop/web', false],
    ['patch', 'pods/status', 'shop/web', true],
    ['create', 'pods/exec', 'shop/web', false],
    ['get', 'nodes', 'n1', true],
    ['get', 'nodes', 'n2', false],
    ['delete', 'nodes', 'n1', false],
    ['update', 'leases.coordination.k8s.io', 'kube-node-lease/n1', true],
    ['update', 'leases.coordination.k8s.io', 'kube-node-lease/n2', false],
    ['update', 'leases.coordination.k8s.io', 'kube-system/n1', false],
    ['create', 'events', 'shop/e', true],
    ['list', 'services', '', true],
    ['list', 'deployments.apps', '', false],
  ] as const) {
    test(`${want ? 'allows' : 'does not allow'} ${verb} ${target} ${place}`, () => {
      assert.equal(ask(verb, target, place).verdict, want ? 'allow' : 'none');
    });
  }

  test('lets a node list the pods bound to it and no others', () => {
    assert.equal(ask('list', 'pods', '', { fieldSelector: parseFieldSelector('spec.nodeName=n1') }).verdict, 'allow');
    assert.equal(
      ask('watch', 'pods', '', { fieldSelector: parseFieldSelector('metadata.name=x,spec.nodeName==n1') }).verdict,
      'allow',
    );
    for (const text of ['', 'spec.nodeName=n2', 'spec.nodeName!=n1', 'spec.nodeName=']) {
      const fieldSelector = parseFieldSelector(text);
      const { verdict, reason } = ask('list', 'pods', '', { fieldSelector });
      assert.deepEqual([verdict, reason], ['none', 'can only list/watch pods with spec.nodeName field selector']);
    }
  });

  test('names what is missing', () => {
    assert.equal(ask('get', 'secrets', 'shop/far').reason, "no relationship found between node 'n1' and this object");
  });

  test('has no opinion on users that are not nodes', () => {
    for (const user of [
      { username: 'system:node:n1', groups: ['system:authenticated'] },
      { username: 'n1', groups: ['system:nodes'] },
    ]) {
      assert.deepEqual(ask('get', 'secrets', 'shop/registry', { user }), { verdict: 'none', reason: '' });
    }
  });
});
