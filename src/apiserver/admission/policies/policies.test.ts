import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { Auditor } from '../../audit/auditor.ts';
import { defaultPolicy } from '../../audit/default-policy.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import { serve, type TestServer } from '../../testing/serve.ts';
import { mutatingPolicies } from './mutating.ts';
import { validatingPolicies } from './validating.ts';

const group = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';
const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] };
const merge = { 'content-type': 'application/merge-patch+json' };

/** Answers a turn later, as a webhook would. */
const slowAuthorizer: Authorizer = {
  authorize: async ({ verb, resource }) => ({
    verdict: verb === 'get' && resource === 'pods' ? 'allow' : 'none',
    reason: '',
  }),
};

/** Annotations of the requests that were audited. */
const audited: Record<string, string>[] = [];
const sink = {
  name: 'test',
  dropped: 0,
  write: (line: string) => audited.push(JSON.parse(line).annotations ?? {}),
  close: async () => {},
};

let api: TestServer;
before(async () => {
  api = await serve({
    admission: [mutatingPolicies(slowAuthorizer), validatingPolicies(slowAuthorizer)],
    auditor: new Auditor(defaultPolicy, [sink], systemClock),
  });
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
});
after(() => api[Symbol.asyncDispose]());

let count = 0;
beforeEach(() => {
  count++;
});

const made: string[] = [];

async function create(plural: string, name: string, spec: object): Promise<void> {
  const { status, text } = await api.call('POST', `${group}/${plural}`, { metadata: { name }, spec });
  assert.equal(status, 201, text);
  made.push(`${group}/${plural}/${name}`);
}

/** In force until the test is over. */
async function policy(kind: 'validating' | 'mutating', spec: object, binding: object = {}): Promise<AsyncDisposable> {
  const name = `p${count}-${made.length}`;
  const matchConstraints = { resourceRules: [rule] };
  const more = kind === 'mutating' ? { reinvocationPolicy: 'Never' } : {};
  const actions = kind === 'validating' ? { validationActions: ['Deny'] } : {};
  await create(`${kind}admissionpolicies`, name, { matchConstraints, ...more, ...spec });
  await create(`${kind}admissionpolicybindings`, name, { policyName: name, ...actions, ...binding });
  return {
    async [Symbol.asyncDispose]() {
      while (made.length > 0) await api.call('DELETE', made.pop()!);
    },
  };
}

const post = (data: object = { a: '1' }, metadata: object = {}) =>
  api.call('POST', maps, { metadata: { generateName: 'c-', ...metadata }, data });

describe('a validating policy', () => {
  test('is in force as soon as its binding is written, and no longer than it is there', async () => {
    {
      await using _policy = await policy('validating', { validations: [{ expression: "object.data.a == '2'" }] });
      const { status, body } = await post({ a: '1' }, { name: 'c' });
      assert.equal(status, 422);
      assert.match(body.message, /^configmaps "c" is forbidden: ValidatingAdmissionPolicy 'p1-0' with binding 'p1-0' /);
      assert.match(body.message, /denied request: failed expression: object\.data\.a == '2'$/);
    }
    assert.equal((await post()).status, 201);
  });

  test('without a binding does nothing', async () => {
    const name = `p${count}`;
    const validations = [{ expression: 'false' }];
    await create('validatingadmissionpolicies', name, { matchConstraints: { resourceRules: [rule] }, validations });
    assert.equal((await post()).status, 201);
    await api.call('DELETE', made.pop()!);
  });

  test('warns in place of refusing', async () => {
    const validations = [{ expression: 'false', message: 'mind this' }];
    await using _policy = await policy('validating', { validations }, { validationActions: ['Warn'] });
    const { status, headers } = await post();
    assert.equal(status, 201);
    assert.match(
      headers['warning']!,
      /Validation failed for ValidatingAdmissionPolicy '.*' with binding '.*': mind this/,
    );
  });

  test('evaluates its variables when they are asked for', async () => {
    const variables = [
      { name: 'broken', expression: 'int(object.data.nope)' },
      { name: 'single', expression: 'int(object.data.a)' },
      { name: 'double', expression: 'variables.single * 2' },
    ];
    const validations = [
      { expression: 'variables.double < 5', messageExpression: "'got ' + string(variables.double)" },
    ];
    await using _policy = await policy('validating', { variables, validations });
    assert.equal((await post({ a: '2' })).status, 201);
    assert.match((await post({ a: '3' })).body.message, /denied request: got 6$/);
  });

  test('that fails refuses, or is passed over', async () => {
    const validations = [{ expression: 'object.data.nope > 1' }];
    {
      await using _policy = await policy('validating', { validations });
      assert.match(
        (await post()).body.message,
        /expression 'object.data.nope > 1' resulted in error: no such key: nope/,
      );
    }
    await using _policy = await policy('validating', { validations, failurePolicy: 'Ignore' });
    assert.equal((await post()).status, 201);
  });

  test('waits for an authorizer, once a question', async () => {
    const may = (verb: string) => `authorizer.group('').resource('pods').check('${verb}').allowed()`;
    const variables = [{ name: 'mayDelete', expression: may('delete') }];
    const validations = [{ expression: may('get') }, { expression: 'variables.mayDelete', message: 'may not delete' }];
    await using _policy = await policy('validating', { variables, validations });
    assert.match((await post()).body.message, /denied request: may not delete$/);
  });

  test('is asked once for each of its parameters', async () => {
    const paramKind = { apiVersion: 'v1', kind: 'ServiceAccount' };
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    for (const [name, max] of Object.entries({ low: '3', high: '5' })) {
      await api.call('POST', accounts, { metadata: { name, labels: { limit: 'yes' }, annotations: { max } } });
    }
    const expression = 'int(object.data.a) <= int(params.metadata.annotations.max)';
    const validations = [{ expression, messageExpression: 'string(params.metadata.name)' }];
    const paramRef = { selector: { matchLabels: { limit: 'yes' } }, parameterNotFoundAction: 'Deny' };
    await using _policy = await policy('validating', { paramKind, validations }, { paramRef });
    assert.equal((await post({ a: '3' })).status, 201);
    assert.match((await post({ a: '4' })).body.message, /denied request: low$/);
    await api.call('DELETE', `${accounts}?labelSelector=limit`);
    assert.match(
      (await post()).body.message,
      /no params found for policy binding with `Deny` parameterNotFoundAction$/,
    );
  });

  test('takes its parameters from custom resources, also those defined after it', async () => {
    const paramKind = { apiVersion: 'example.com/v1', kind: 'Limit' };
    const paramRef = { name: 'one', parameterNotFoundAction: 'Allow' };
    const validations = [{ expression: 'int(object.data.a) <= params.max' }];
    await using _policy = await policy('validating', { paramKind, validations }, { paramRef });
    const unknown = /failed to find resource referenced by paramKind: 'example.com\/v1, Kind=Limit'$/;
    assert.match((await post()).body.message, unknown);
    const schema = { openAPIV3Schema: { type: 'object', properties: { max: { type: 'integer' } } } };
    await api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'limits.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'limits', kind: 'Limit' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
    const limit = { apiVersion: 'example.com/v1', kind: 'Limit', metadata: { name: 'one' }, max: 3 };
    while ((await api.call('POST', '/apis/example.com/v1/limits', limit)).status !== 201);
    assert.equal((await post({ a: '3' })).status, 201);
    assert.equal((await post({ a: '4' })).status, 422);
  });

  test('leaves notes for the audit', async () => {
    const spec = {
      validations: [{ expression: 'true' }, { expression: 'false', message: 'not so' }],
      auditAnnotations: [
        { key: 'data', valueExpression: "'a is ' + object.data.a" },
        { key: 'none', valueExpression: 'null' },
      ],
    };
    await using _policy = await policy('validating', spec, { validationActions: ['Audit'] });
    audited.length = 0;
    assert.equal((await post()).status, 201);
    const name = made[0]!.split('/').at(-1)!;
    const failure = {
      message: 'not so',
      policy: name,
      binding: name,
      expressionIndex: 1,
      validationActions: ['Audit'],
    };
    const ours = Object.entries(audited[0]!).filter(([key]) => !key.startsWith('authorization.k8s.io/'));
    assert.deepEqual(Object.fromEntries(ours), {
      'validation.policy.admission.k8s.io/validation_failure': JSON.stringify([failure]),
      [`${name}/data`]: 'a is 1',
    });
  });

  test('never looks at policies', async () => {
    const everything = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] };
    const spec = { matchConstraints: { resourceRules: [everything] }, validations: [{ expression: 'false' }] };
    await using _policy = await policy('validating', spec);
    assert.equal((await post()).status, 422);
    const { status } = await api.call('PATCH', made[0]!, { metadata: { labels: { a: 'b' } } }, merge);
    assert.equal(status, 200);
  });

  test('whose work costs too much refuses in time', async () => {
    const ten = '[0,1,2,3,4,5,6,7,8,9]';
    const deep = [...'abcdefg'].reduce((inner, name) => `${ten}.all(${name}, ${inner})`, 'a >= 0');
    await using _policy = await policy('validating', { validations: [{ expression: deep.replace('a >= 0', 'true') }] });
    assert.match((await post()).body.message, /operation cancelled: actual cost limit exceeded$/);
  });
});

const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const jsonPatch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

describe('a mutating policy', () => {
  test('merges what it says into what is there, one mutation after the other', async () => {
    const mutations = [
      apply("Object{data: {'b': object.data.a + '!'}, metadata: Object.metadata{labels: {'by': request.operation}}}"),
      jsonPatch("[JSONPatch{op: 'copy', from: '/data/b', path: '/data/' + jsonpatch.escapeKey('c')}]"),
    ];
    await using _policy = await policy('mutating', { mutations });
    const { body } = await post({ a: '1' }, { labels: { own: 'yes' } });
    assert.deepEqual(body.data, { a: '1', b: '1!', c: '1!' });
    assert.deepEqual(body.metadata.labels, { own: 'yes', by: 'CREATE' });
  });

  test('adds to lists by their keys, and refuses to touch what merges as a whole', async () => {
    const pods = { ...rule, resources: ['pods'] };
    const matchConstraints = { resourceRules: [pods] };
    const pod = { metadata: { generateName: 'p-' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const path = '/api/v1/namespaces/default/pods';
    const containers = (more: string) => `Object{spec: Object.spec{containers: [Object.spec.containers{${more}}]}}`;
    {
      const mutations = [apply(containers("name: 'side', image: 's'"))];
      await using _policy = await policy('mutating', { matchConstraints, mutations });
      const { body } = await api.call('POST', path, pod);
      assert.deepEqual(
        body.spec.containers.map(({ name }: { name: string }) => name),
        ['c', 'side'],
      );
    }
    const mutations = [apply(containers("name: 'c', command: ['x']"))];
    await using _policy = await policy('mutating', { matchConstraints, mutations });
    assert.match(
      (await api.call('POST', path, pod)).body.message,
      /invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: \.spec\.containers\[0\]\.command$/,
    );
  });

  test('whose test fails changes nothing', async () => {
    const mutations = [
      jsonPatch("[JSONPatch{op: 'test', path: '/data/a', value: 'x'}, JSONPatch{op: 'remove', path: '/data/a'}]"),
    ];
    await using _policy = await policy('mutating', { mutations });
    assert.deepEqual((await post()).body.data, { a: '1' });
  });

  test('that allows it runs again after another has changed the object', async () => {
    const seesLabel = "has(object.metadata.labels) && 'late' in object.metadata.labels";
    const first = jsonPatch(`${seesLabel} ? [JSONPatch{op: 'add', path: '/data/saw', value: 'it'}] : []`);
    await using _early = await policy('mutating', { reinvocationPolicy: 'IfNeeded', mutations: [first] });
    await policy('mutating', { mutations: [apply("Object{metadata: Object.metadata{labels: {'late': 'yes'}}}")] });
    assert.deepEqual((await post()).body.data, { a: '1', saw: 'it' });
  });

  test('that makes something of the wrong type says where', async () => {
    const mutations = [apply('Object{data: {"a": 1}, metadata: Object.metadata{labels: Object.spec{}}}')];
    await using _policy = await policy('mutating', { mutations });
    const { status, body } = await post();
    assert.equal(status, 403);
    assert.match(body.message, /type mismatch: unexpected type name "Object.spec", expected "Object.metadata.labels"/);
  });

  test('is checked afterwards by those that validate', async () => {
    await using _policy = await policy('mutating', { mutations: [apply("Object{data: {'b': 'c'}}")] });
    await policy('validating', { validations: [{ expression: "!('b' in object.data)", message: 'no b' }] });
    assert.match((await post()).body.message, /denied request: no b$/);
  });
});
