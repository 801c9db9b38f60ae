import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy } from './default-policy.ts';
import { type Attributes, PolicyEvaluator, type PolicyRule } from './policy.ts';
import { parsePolicy } from './policy-file.ts';

const user = { username: 'jane', groups: ['developers'] };
const pods: Attributes = {
  user,
  verb: 'get',
  isResource: true,
  group: '',
  resource: 'pods',
  subresource: '',
  namespace: 'shop',
  name: 'web',
  path: '/api/v1/namespaces/shop/pods/web',
};
const log = { ...pods, subresource: 'log' };
const health: Attributes = { ...pods, isResource: false, resource: '', namespace: '', name: '', path: '/healthz/etcd' };

const rows: [what: string, rule: Omit<PolicyRule, 'level'>, of: Attributes, matches: boolean][] = [
  ['everything', {}, pods, true],
  ['a user by name', { users: ['jane'] }, pods, true],
  ['no other user', { users: ['joe'] }, pods, false],
  ['a member of a group', { userGroups: ['admins', 'developers'] }, pods, true],
  ['a verb', { verbs: ['list', 'get'] }, pods, true],
  ['no other verb', { verbs: ['list'] }, pods, false],
  ['a namespace', { namespaces: ['shop'] }, pods, true],
  ['no path by a namespace', { namespaces: [''] }, health, false],
  ['a resource', { resources: [{ resources: ['pods'] }] }, pods, true],
  ['no part by its resource', { resources: [{ resources: ['pods'] }] }, log, false],
  ['a part', { resources: [{ resources: ['pods/log'] }] }, log, true],
  ['all parts of a resource', { resources: [{ resources: ['pods/*'] }] }, log, true],
  ['a part of all resources', { resources: [{ resources: ['*/log'] }] }, log, true],
  ['all of a group', { resources: [{ group: '' }] }, log, true],
  ['no other group', { resources: [{ group: 'apps' }] }, pods, false],
  ['every group', { resources: [{ group: '*', resources: ['*'] }] }, pods, true],
  ['an object by name', { resources: [{ resources: ['pods'], resourceNames: ['web'] }] }, pods, true],
  ['no other object', { resources: [{ resources: ['pods'], resourceNames: ['db'] }] }, pods, false],
  ['paths by their beginning', { nonResourceURLs: ['/healthz*'] }, health, true],
  ['no resource by a path', { nonResourceURLs: ['*'] }, pods, false],
];
for (const [what, rule, of, matches] of rows) {
  test(`a rule matches ${what}`, () => {
    const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Request' as const, ...rule }] };
    assert.equal(new PolicyEvaluator(policy).evaluate(of).level, matches ? 'Request' : 'None');
  });
}

test('the built-in policy notes who changes what, bodies of roles, and no body of a Secret', () => {
  const policy = new PolicyEvaluator(defaultPolicy);
  const level = (attributes: Partial<Attributes>) => policy.evaluate({ ...pods, ...attributes }).level;
  const controller = {
    username: 'system:serviceaccount:kube-system:job-controller',
    groups: ['system:serviceaccounts:kube-system'],
  };
  assert.equal(level({ verb: 'create', resource: 'secrets' }), 'Metadata');
  assert.equal(level({ verb: 'get', resource: 'secrets' }), 'Metadata');
  assert.equal(level({ verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'roles' }), 'Request');
  assert.equal(level({ verb: 'list', user: controller }), 'None');
  assert.equal(level({ verb: 'create', user: controller }), 'Metadata');
  assert.equal(level({ verb: 'watch' }), 'None');
  assert.equal(level({ verb: 'update', group: 'coordination.k8s.io', resource: 'leases' }), 'None');
  assert.equal(level({ verb: 'create', group: 'events.k8s.io', resource: 'events' }), 'None');
});

test('a policy is read from YAML, its wider settings joined to those of the rule', async () => {
  const policy = await parsePolicy(`
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: RequestResponse
  omitStages: [ResponseStarted]
  omitManagedFields: false
`);
  const { level, omitStages, omitManagedFields } = new PolicyEvaluator(policy).evaluate(pods);
  assert.deepEqual(
    [level, [...omitStages], omitManagedFields],
    ['RequestResponse', ['RequestReceived', 'ResponseStarted'], false],
  );
});

const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
for (const [text, problem] of [
  ['kind: Policy\nrules: [{level: None}]', /must be a Policy of audit\.k8s\.io\/v1/],
  [`${head}rules: []`, /rules: at least one is needed/],
  [`${head}rules: [{}]`, /rules\[0\]\.level: Required value/],
  [`${head}rules: [{level: All}]`, /rules\[0\]\.level: Unsupported value: "All": supported values: "None", "Metadata"/],
  [`${head}rules: [{level: None, nonResourceURLs: [healthz]}]`, /must begin with a '\/' character/],
  [`${head}rules: [{level: None, nonResourceURLs: ["/a*b"]}]`, /must be the final character/],
  [`${head}rules: [{level: None, nonResourceURLs: ["/a"], namespaces: [x]}]`, /cannot apply to both/],
  [`${head}rules: [{level: None, resources: [{resourceNames: [x]}]}]`, /requires at least one resource/],
  [`${head}rules: [{level: None, resources: [{group: apps/v1}]}]`, /without a version/],
  [`${head}rules: [{level: None, verb: [get]}]`, /rules\[0\]\.verb: unknown field/],
  [`${head}omitStages: [End]\nrules: [{level: None}]`, /omitStages\[0\]: Invalid value: "End"/],
] as const) {
  test(`a policy is refused: ${problem.source}`, () => assert.rejects(parsePolicy(text), problem));
}
