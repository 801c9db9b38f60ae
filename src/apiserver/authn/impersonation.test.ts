import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Authorizer } from '../authz/authorizer.ts';
import { impersonate } from './impersonation.ts';

const admin = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };
const everything: Authorizer = { authorize: () => ({ verdict: 'allow', reason: '' }) };

describe('impersonation', () => {
  test('without its headers leaves the caller as he is', async () => {
    assert.equal(await impersonate(admin, ['Accept', 'application/json'], everything), admin);
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
    assert.deepEqual(await impersonate(admin, headers, everything), {
      username: 'jane',
      groups: ['a,b', 'c', 'system:authenticated'],
      extra: Object.assign(Object.create(null), { 'acme.com/project': ['x'] }),
    });
  });

  test('gives a service account its groups, and nobody those of everybody', async () => {
    const robot = await impersonate(admin, ['Impersonate-User', 'system:serviceaccount:shop:robot'], everything);
    assert.deepEqual(robot.groups, ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated']);
    const nobody = await impersonate(admin, ['Impersonate-User', 'system:anonymous'], everything);
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
    await assert.rejects(impersonate(admin, headers, watching), {
      message:
        'uids.authentication.k8s.io "u" is forbidden: User "admin" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope',
    });
    assert.deepEqual(asked.slice(0, 2), ['impersonate  serviceaccounts  shop robot', 'impersonate  groups   g']);
  });

  test('of groups without a user is refused', async () => {
    await assert.rejects(impersonate(admin, ['Impersonate-Group', 'x'], everything), {
      message:
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"x"}, Extra:map[string][]string(nil)} without impersonating a user name',
    });
  });
});
