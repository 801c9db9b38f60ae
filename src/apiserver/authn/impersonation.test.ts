import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Authorizer } from '../authz/authorizer.ts';
import { impersonate } from './impersonation.ts';

const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
const request = {
  ...{ user: admin, verb: 'get', isResource: true, group: '', version: 'v1', resource: 'pods', subresource: '' },
  ...{ namespace: 'shop', name: 'web', path: '' },
};
const everything: Authorizer = { authorize: () => ({ verdict: 'allow', reason: '' }) };

describe('impersonation', () => {
  test('without its headers leaves the caller as he is', async () => {
    assert.equal((await impersonate(request, ['Accept', 'application/json'], everything)).user, admin);
  });

  test('becomes the user with the groups and extras asked for', async () => {
    const headers = [
      'Impersonate-User',
      'jane',
      'Impersonate-Group',
      'a,b',
      'impersonate-group',
      'c',
      'Impersonate-Extra-acme.com%2Fproject',
      'x',
    ];
    assert.deepEqual((await impersonate(request, headers, everything)).user, {
      username: 'jane',
      groups: ['a,b', 'c', 'system:authenticated'],
      extra: Object.assign(Object.create(null), { 'acme.com/project': ['x'] }),
    });
  });

  test('gives a service account its groups, and nobody those of everybody', async () => {
    const { user: robot } = await impersonate(
      request,
      ['Impersonate-User', 'system:serviceaccount:shop:robot'],
      everything,
    );
    assert.deepEqual(robot.groups, ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated']);
    const { user: nobody } = await impersonate(request, ['Impersonate-User', 'system:anonymous'], everything);
    assert.deepEqual(nobody.groups, ['system:unauthenticated']);
  });

  test('needs a right for each thing it takes on', async () => {
    const asked: string[] = [];
    const watching: Authorizer = {
      authorize({ verb, group, resource, subresource, namespace, name }) {
        asked.push([verb, group, resource, subresource, namespace, name].join(' '));
        return { verdict: resource === 'uids' ? 'none' : 'allow', reason: '' };
      },
    };
    const headers = [
      'Impersonate-User',
      'system:serviceaccount:shop:robot',
      'Impersonate-Group',
      'g',
      'Impersonate-Uid',
      'u',
    ];
    await assert.rejects(impersonate(request, headers, watching), {
      message:
        'uids.authentication.k8s.io "u" is forbidden: User "admin" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope',
    });
    assert.deepEqual(asked, ['impersonate  serviceaccounts  shop robot', 'impersonate authentication.k8s.io uids   u']);
  });

  test('may be allowed for one kind of user and some requests only', async () => {
    const asked: string[] = [];
    const holding = (...rights: string[]): Authorizer => ({
      authorize({ verb, group, resource, name }) {
        asked.push([verb, group, resource, name].join(' '));
        return { verdict: rights.includes(verb) ? 'allow' : 'none', reason: '' };
      },
    });
    const both = holding('impersonate-on:user-info:get', 'impersonate:user-info');
    const { user, constraint } = await impersonate(request, ['Impersonate-User', 'jane'], both);
    assert.deepEqual([user.username, constraint], ['jane', 'impersonate:user-info']);
    assert.deepEqual(asked.splice(0), [
      'impersonate-on:user-info:get  pods web',
      'impersonate:user-info authentication.k8s.io users jane',
    ]);
    const node = await impersonate(
      request,
      ['Impersonate-User', 'system:node:n1'],
      holding('impersonate-on:arbitrary-node:get', 'impersonate:arbitrary-node'),
    );
    assert.deepEqual(node.user.groups, ['system:nodes', 'system:authenticated']);
    await assert.rejects(
      impersonate(request, ['Impersonate-User', 'jane', 'Impersonate-Group', 'system:masters'], both),
      /groups.authentication.k8s.io "system:masters" is forbidden: .* impersonating the system:masters group is not allowed/,
    );
    await assert.rejects(
      impersonate(request, ['Impersonate-User', 'system:serviceaccount:a:b'], both),
      /pods "web" is forbidden: User "admin" cannot impersonate-on:serviceaccount:get resource "pods"/,
    );
  });

  test('of groups without a user is refused', async () => {
    await assert.rejects(impersonate(request, ['Impersonate-Group', 'x'], everything), {
      message:
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"x"}, Extra:map[string][]string(nil)} without impersonating a user name',
    });
  });
});
