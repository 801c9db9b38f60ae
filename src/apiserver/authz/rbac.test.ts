import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clusterRoleBindingKind, clusterRoleKind, roleBindingKind, roleKind } from '../../../generated/kinds.ts';
import type { PolicyRule } from '../../../generated/rbac-v1.ts';
import { FakeObjects } from '../testing/fake-objects.ts';
import type { AuthorizationAttributes, Decision } from './authorizer.ts';
import { whyNotGrant } from './escalation.ts';
import { forbiddenAccess } from './forbidden.ts';
import { rbacAuthorizer } from './rbac.ts';
import { RbacRules } from './rbac-rules.ts';

const apiGroup = 'rbac.authorization.k8s.io';
const jane = { username: 'jane', groups: ['devs', 'system:authenticated'] };
const robot = {
  username: 'system:serviceaccount:shop:robot',
  groups: ['system:serviceaccounts', 'system:authenticated'],
};

const role = (namespace: string, name: string, ...rules: PolicyRule[]) =>
  [roleKind, { metadata: { namespace, name }, rules }] as const;
const clusterRole = (name: string, ...rules: PolicyRule[]) => [clusterRoleKind, { metadata: { name }, rules }] as const;
const user = (name: string) => ({ kind: 'User', name, apiGroup });
const bind = (namespace: string, name: string, kind: string, ...subjects: object[]) =>
  [roleBindingKind, { metadata: { namespace, name }, subjects, roleRef: { apiGroup, kind, name } }] as const;
const clusterBind = (name: string, ...subjects: object[]) =>
  [clusterRoleBindingKind, { metadata: { name }, subjects, roleRef: { apiGroup, kind: 'ClusterRole', name } }] as const;

function ask(text: string, by = jane): AuthorizationAttributes {
  const [verb, where, what = ''] = text.split(' ') as [string, string, string?];
  const isResource = !where.startsWith('/');
  const [namespace, target = ''] = isResource ? where.split(':') : ['', ''];
  const [resourceGroup, subresource = ''] = target.split('/');
  const [resource, ...group] = resourceGroup!.split('.');
  const rest = { resource: resource!, subresource, namespace: namespace!, name: what, path: isResource ? '' : where };
  return { user: by, verb, isResource, group: group.join('.'), version: 'v1', ...rest };
}

function answers(objects: FakeObjects) {
  const authorizer = rbacAuthorizer(new RbacRules(objects));
  return (text: string, by = jane) => authorizer.authorize(ask(text, by)) as Decision;
}

describe('the RBAC authorizer', () => {
  const objects = new FakeObjects(
    role('shop', 'reader', { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] }),
    bind('shop', 'reader', 'Role', user('jane')),
    role('shop', 'one', { verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['settings'] }),
    bind('shop', 'one', 'Role', user('jane')),
    clusterRole('scaler', { verbs: ['*'], apiGroups: ['*'], resources: ['*/scale'] }),
    clusterBind('scaler', { kind: 'Group', name: 'devs', apiGroup }),
    clusterRole('health', { verbs: ['get'], nonResourceURLs: ['/healthz', '/metrics/*'] }),
    clusterBind('health', user('jane')),
    clusterRole('edit', { verbs: ['*'], apiGroups: ['apps'], resources: ['*'] }),
    bind('shop', 'edit', 'ClusterRole', { kind: 'ServiceAccount', name: 'robot' }),
  );
  const answer = answers(objects);

  for (const [text, by, want] of [
    ['get shop:pods web', jane, true],
    ['delete shop:pods web', jane, false],
    ['get other:pods web', jane, false],
    ['get :pods web', jane, false],
    ['get shop:pods/log web', jane, true],
    ['get shop:pods/status web', jane, false],
    ['get shop:configmaps settings', jane, true],
    ['get shop:configmaps other', jane, false],
    ['get shop:configmaps', jane, false],
    ['update other:deployments.apps/scale web', jane, true],
    ['update other:deployments.apps web', jane, false],
    ['get /healthz', jane, true],
    ['get /metrics/cadvisor', jane, true],
    ['get /metrics', jane, false],
    ['post /healthz', jane, false],
    ['delete shop:deployments.apps web', robot, true],
    ['delete shop:deployments.apps/status web', robot, true],
    ['delete other:deployments.apps web', robot, false],
    ['get shop:pods web', robot, false],
    ['get shop:pods web', { username: 'JANE', groups: [] }, false],
  ] as const) {
    test(`${want ? 'allows' : 'does not allow'} ${by.username} to ${text}`, () => {
      assert.equal(answer(text, by as typeof jane).verdict, want ? 'allow' : 'none');
    });
  }

  test('says which binding allowed it', () => {
    const want = 'RBAC: allowed by RoleBinding "reader/shop" of Role "reader" to User "jane"';
    assert.equal(answer('get shop:pods web').reason, want);
    const group = 'RBAC: allowed by ClusterRoleBinding "scaler" of ClusterRole "scaler" to Group "devs"';
    assert.equal(answer('get other:deployments.apps/scale web').reason, group);
  });

  test('heeds a change at once', () => {
    const changing = new FakeObjects(bind('shop', 'late', 'Role', user('jane')));
    const late = answers(changing);
    const missing = late('get shop:secrets x');
    assert.equal(missing.verdict, 'none');
    assert.equal(missing.reason, 'RBAC: role.rbac.authorization.k8s.io "late" not found');
    changing.put(...role('shop', 'late', { verbs: ['get'], apiGroups: [''], resources: ['secrets'] }));
    assert.equal(late('get shop:secrets x').verdict, 'allow');
    changing.remove(roleBindingKind, 'shop', 'late');
    assert.equal(late('get shop:secrets x').verdict, 'none');
  });

  test('is not misled by names that look like keys of objects', () => {
    for (const name of ['__proto__', 'constructor', 'toString', '']) {
      assert.equal(answer(`get shop:${name} ${name}`, { username: name, groups: [name] }).verdict, 'none');
    }
  });
});

test('a refusal is worded as upstream words it', () => {
  const message = (text: string, reason = '') => forbiddenAccess(ask(text), reason).status.message;
  assert.equal(
    message('get shop:deployments.apps/scale web'),
    'deployments.apps "web" is forbidden: User "jane" cannot get resource "deployments/scale" in API group "apps" in the namespace "shop"',
  );
  assert.equal(
    message('list :pods', 'why'),
    'pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope: why',
  );
  assert.equal(message('get /metrics'), 'forbidden: User "jane" cannot get path "/metrics"');
});

describe('granting', () => {
  const objects = new FakeObjects(
    role('shop', 'deployer', { verbs: ['get', 'list'], apiGroups: ['apps'], resources: ['*'] }),
    bind('shop', 'deployer', 'Role', user('jane')),
  );
  const why = (...rules: PolicyRule[]) => whyNotGrant(new RbacRules(objects), jane, 'shop', rules);

  test('of what one holds is allowed', () => {
    assert.equal(
      why({ verbs: ['list', 'get'], apiGroups: ['apps'], resources: ['deployments', 'deployments/scale'] }),
      undefined,
    );
    assert.equal(
      why({ verbs: ['get'], apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['x'] }),
      undefined,
    );
    assert.equal(why(), undefined);
  });

  test('of more is refused with the rules that are missing', () => {
    const problem = why(
      { verbs: ['*'], apiGroups: ['apps'], resources: ['deployments'] },
      { verbs: ['get', 'list'], apiGroups: ['', 'apps'], resources: ['pods'], resourceNames: ['x'] },
      { verbs: ['get'], nonResourceURLs: ['/metrics'] },
    );
    assert.equal(
      problem,
      [
        'user "jane" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:',
        '{APIGroups:[""], Resources:["pods"], ResourceNames:["x"], Verbs:["get" "list"]}',
        '{APIGroups:["apps"], Resources:["deployments"], Verbs:["*"]}',
        '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
      ].join('\n'),
    );
  });
});
