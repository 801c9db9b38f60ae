import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

let api: TestServer;
before(async () => {
  api = await startTestServer();
});
after(() => api[Symbol.asyncDispose]());

const kubelet = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
const unread = (what: string) => `spec.resourceAttributes.fieldSelector ${what}ignored due to parse error`;
const refusal = 'can only list/watch pods with spec.nodeName field selector';

async function review(attributes: object) {
  const spec = { user: 'system:node:n1', groups: ['system:nodes'], resourceAttributes: attributes };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  return (await api.call(`POST ${path}`, body)).body;
}

test('an access review weighs field selectors and tells what of them it could not read', async () => {
  const mine = { key: 'spec.nodeName', operator: 'In', values: ['n1'] };
  for (const [fieldSelector, want] of [
    [{ rawSelector: 'spec.nodeName=n1' }, { allowed: true }],
    [{ rawSelector: 'a=b=c,d' }, { allowed: false, reason: refusal, evaluationError: unread('') }],
    [{ requirements: [mine] }, { allowed: true }],
    [
      { requirements: [{ ...mine, operator: 'Bad' }] },
      { allowed: false, reason: refusal, evaluationError: unread('') },
    ],
    [
      { requirements: [mine, { key: 'x', operator: 'Exists' }] },
      { allowed: true, evaluationError: unread('partially ') },
    ],
  ] as const) {
    assert.deepEqual((await review({ verb: 'list', resource: 'pods', fieldSelector })).status, want);
  }
});

test('requirements without a key, or with a key that is none, are refused', async () => {
  const asked = { verb: 'list', resource: 'pods' };
  const field = await review({ ...asked, fieldSelector: { requirements: [{ key: '', operator: '' }] } });
  assert.match(field.message, /fieldSelector\.requirements\[0\]\.key: Required value: must be specified/);
  const label = await review({ ...asked, labelSelector: { requirements: [{ key: '-b', operator: 'Exists' }] } });
  assert.match(label.message, /labelSelector\.requirements\[0\]\.key: Invalid value: "-b"/);
});

test('a node lists what is narrowed to it', async () => {
  const slices = '/apis/resource.k8s.io/v1/resourceslices';
  for (const [request, status] of [
    ['GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn1', 200],
    ['GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn2', 403],
    ['GET /api/v1/nodes?fieldSelector=metadata.name%3Dn1', 200],
    ['GET /api/v1/nodes', 403],
    [`GET ${slices}?fieldSelector=spec.nodeName%3Dn1`, 200],
    [`DELETE ${slices}?fieldSelector=spec.nodeName%3Dn1`, 200],
    [`GET ${slices}`, 403],
    ['GET /apis/resource.k8s.io/v1/namespaces/default/resourceclaims/x', 403],
  ] as const) {
    assert.equal((await api.call(request, undefined, kubelet)).status, status, request);
  }
});

test('a rules review says what authorizers cannot list', async () => {
  const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace: 'default' },
  };
  const ask = async (user?: typeof kubelet) => (await api.call(`POST ${path}`, body, user)).body.status;
  const unlisted = 'node authorizer does not support user rule resolution';
  const mine = await ask(kubelet);
  assert.deepEqual([mine.incomplete, mine.evaluationError], [true, unlisted]);
  const everything = (await ask()).resourceRules.filter(({ verbs }: { verbs: string[] }) => verbs[0] === '*');
  assert.deepEqual(everything, [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]);

  const rbac = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'nosuch' };
  await api.create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'broken' },
    roleRef: rbac,
    subjects: [{ kind: 'Group', apiGroup: rbac.apiGroup, name: 'system:authenticated' }],
  });
  const missing = 'clusterrole.rbac.authorization.k8s.io "nosuch" not found';
  const bob = await ask({ username: 'bob', groups: ['system:authenticated'] });
  assert.deepEqual([bob.incomplete, bob.evaluationError], [false, missing]);
  assert.equal((await ask(kubelet)).evaluationError, `[${unlisted}, ${missing}]`);
});
