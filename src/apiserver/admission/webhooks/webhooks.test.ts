import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';
import { jsonPatch, type TestWebhook, testWebhook } from '../../testing/webhook.ts';

const group = 'admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';
const mapRule = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] };

let api: TestServer;
let hook: TestWebhook;
const answers = new Map<string, (review: any, ...rest: any[]) => any>();

before(async () => {
  api = await startTestServer();
  hook = await testWebhook((review, path, ...rest) => answers.get(path)!(review, ...rest));
});
after(async () => {
  await hook[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

interface HookOptions {
  readonly sort?: 'Mutating' | 'Validating';
  readonly answer: (review: any, ...rest: any[]) => any;
  readonly [field: string]: unknown;
}

let count = 0;

/** A configuration with these webhooks, in force until disposed. */
async function configured(...webhooks: HookOptions[]) {
  const sort = webhooks[0]!.sort ?? 'Validating';
  const name = `c${count++}`;
  const made = webhooks.map(({ sort: _, answer, ...rest }, index) => {
    const path = `/${name}/${index}`;
    answers.set(path, answer);
    return {
      name: `hook-${index}.example.com`,
      clientConfig: hook.at(path),
      rules: [mapRule],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...rest,
    };
  });
  const path = `/apis/${group}/${sort.toLowerCase()}webhookconfigurations`;
  const kind = `${sort}WebhookConfiguration`;
  await api.create(path, { apiVersion: group, kind, metadata: { name }, webhooks: made });
  return {
    calls: () => hook.calls.filter((call) => call.path.startsWith(`/${name}/`)).map(({ review }) => review.request),
    async [Symbol.asyncDispose]() {
      await api.call(`DELETE ${path}/${name}`);
    },
  };
}

const allowed = () => ({ allowed: true });
let mapCount = 0;
const newMap = (data: object = {}, metadata: object = {}) => ({
  metadata: { name: `m${mapCount++}`, ...metadata },
  data,
});
const create = (map: object = newMap(), query = '') => api.call(`POST ${maps}${query}`, map);

describe('validating webhooks', () => {
  test('are told who does what to which object, and let it pass', async () => {
    await using configuration = await configured({ answer: allowed });
    const map = newMap({ a: '1' });
    assert.equal((await create(map, '?fieldManager=me&dryRun=All')).status, 201);
    await create(map);
    const { name } = map.metadata as { name: string };
    const patched = await api.call(
      `PATCH ${maps}/${name}`,
      { data: { a: '2' } },
      undefined,
      'application/merge-patch+json',
    );
    assert.equal(patched.status, 200);
    await api.call(`DELETE ${maps}/${name}?propagationPolicy=Background`);
    const [dry, created, updated, deleted] = configuration.calls();
    assert.equal(dry.dryRun, true);
    assert.deepEqual(dry.options, {
      kind: 'CreateOptions',
      apiVersion: 'meta.k8s.io/v1',
      dryRun: ['All'],
      fieldManager: 'me',
    });
    const { uid, object, ...rest } = created;
    assert.match(uid, /^[0-9a-f-]{36}$/);
    assert.deepEqual([object.kind, object.apiVersion, object.data], ['ConfigMap', 'v1', { a: '1' }]);
    assert.deepEqual(rest, {
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' },
      name,
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    });
    assert.deepEqual(
      [updated.operation, updated.oldObject.data, updated.object.data],
      ['UPDATE', { a: '1' }, { a: '2' }],
    );
    assert.deepEqual([deleted.operation, deleted.object, deleted.oldObject.data], ['DELETE', null, { a: '2' }]);
    assert.deepEqual(deleted.options.propagationPolicy, 'Background');
  });

  test('refuse in their own words, with a code that is none of success', async () => {
    for (const [response, code, message, reason] of [
      [{ allowed: false }, 400, ' without explanation', undefined],
      [{ allowed: false, status: { message: 'no' } }, 400, ': no', undefined],
      [{ allowed: false, status: { reason: 'Because', code: 200 } }, 400, ': Because', 'Because'],
      [{ allowed: false, status: { message: 'x', reason: 'Gone', code: 418 } }, 418, ': x', 'Gone'],
    ] as const) {
      await using _ = await configured({ answer: () => response });
      const { status, body } = await create();
      assert.equal(status, code);
      assert.equal(body.message, `admission webhook "hook-0.example.com" denied the request${message}`);
      assert.deepEqual([body.status, body.reason], ['Failure', reason]);
    }
  });

  test('warn, and are not asked about dry runs that they would act on', async () => {
    await using _ = await configured({ answer: allowed, sideEffects: 'NoneOnDryRun' });
    assert.equal((await create(newMap(), '?dryRun=All')).status, 201);
  });

  test('that cannot be asked hold the request up, unless their policy says not to', async () => {
    const fails = async (answer: HookOptions['answer'], options: object = {}) => {
      await using configuration = await configured({ answer, timeoutSeconds: 9, ...options });
      const { status, body } = await create();
      await using _open = await configured({ answer, timeoutSeconds: 9, ...options, failurePolicy: 'Ignore' });
      await configuration[Symbol.asyncDispose]();
      const passed = await create();
      assert.equal(passed.status, 201, passed.body.message);
      assert.equal(status, 500, body.message);
      assert.equal(body.reason, 'InternalError');
      const start = 'Internal error occurred: failed calling webhook "hook-0.example.com": ';
      assert.ok(body.message.startsWith(start), body.message);
      return body.message
        .slice(start.length)
        .replaceAll(String(hook.port), 'PORT')
        .replace(/\/c\d+\//g, '/c/');
    };
    const post = 'failed to call webhook: Post "https://127.0.0.1:PORT/c/0?timeout=1s": ';
    const raw =
      (text: string | Buffer, status = 200) =>
      (_review: any, _request: any, _body: any, response: any) => {
        response.writeHead(status, { 'content-type': status === 200 ? 'application/json' : 'text/plain' });
        response.end(text);
      };
    assert.equal(await fails(() => undefined, { timeoutSeconds: 1 }), `${post}context deadline exceeded`);
    assert.equal(
      await fails(raw('boom', 500)),
      'failed to call webhook: an error on the server ("boom") has prevented the request from succeeding',
    );
    assert.equal(await fails(raw('', 404)), 'failed to call webhook: the server could not find the requested resource');
    assert.match(await fails(raw('not json')), /^failed to call webhook: couldn't get version\/kind; json parse error/);
    assert.match(await fails(raw(Buffer.from([0x7b, 0xff]))), /^failed to call webhook: /);
    assert.match(await fails(raw(`${'['.repeat(100_000)}`)), /^failed to call webhook: /);
    assert.match(await fails(raw(Buffer.alloc(17 << 20, 0x20))), /larger than/);
    assert.match(await fails(raw('', 307)), /status code 307 but did not return more information/);
    assert.match(
      await fails(() => ({ allowed: true, uid: 'other' })),
      /^received invalid webhook response: expected response.uid="[0-9a-f-]+", got "other"$/,
    );
    assert.equal(
      await fails(() => jsonPatch()),
      'received invalid webhook response: validating webhook may not return response.patch',
    );
    assert.equal(
      await fails(allowed, { clientConfig: { service: { name: 'none', namespace: 'default', path: '/x' } } }),
      'failed to call webhook: Post "https://none.default.svc:443/x?timeout=9s": service "none" not found',
    );
  });

  test('match by rules, labels of objects old and new, and of namespaces', async () => {
    const labelled = { matchLabels: { watched: 'yes' } };
    await using byObject = await configured({ answer: allowed, objectSelector: labelled });
    await using byNamespace = await configured({ answer: allowed, namespaceSelector: labelled });
    await using bySubresource = await configured({
      answer: allowed,
      rules: [{ ...mapRule, resources: ['*/status'], apiGroups: ['*'], apiVersions: ['*'] }],
    });
    await create();
    const map = newMap({}, { labels: { watched: 'yes' } });
    await create(map);
    const path = `${maps}/${(map.metadata as any).name}`;
    await api.call(`PATCH ${path}`, { metadata: { labels: null } }, undefined, 'application/merge-patch+json');
    await api.call(`PATCH ${path}`, { data: { a: 'b' } }, undefined, 'application/merge-patch+json');
    assert.deepEqual(
      byObject.calls().map(({ operation }) => operation),
      ['CREATE', 'UPDATE'],
    );
    assert.equal(byNamespace.calls().length, 0);
    assert.equal(bySubresource.calls().length, 0);
    await api.create('/api/v1/namespaces', { metadata: { name: 'seen', labels: { watched: 'yes' } } });
    await api.create('/api/v1/namespaces/seen/configmaps', newMap());
    assert.equal(byNamespace.calls().length, 1);
  });

  test('see equivalent versions as the one they name, unless they want it exact', async () => {
    const rules = [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }];
    await using equivalent = await configured({ answer: allowed, rules });
    await using exact = await configured({ answer: allowed, rules, matchPolicy: 'Exact' });
    const labels = { app: 'x' };
    await api.create('/apis/apps/v1beta1/namespaces/default/deployments', {
      metadata: { name: 'old' },
      spec: {
        replicas: 0,
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    assert.equal(exact.calls().length, 0);
    const [seen] = equivalent.calls();
    assert.deepEqual([seen.resource.version, seen.requestResource.version], ['v1', 'v1beta1']);
    assert.deepEqual([seen.kind.version, seen.requestKind.version], ['v1', 'v1beta1']);
    assert.equal(seen.object.apiVersion, 'apps/v1');
  });
});

describe('match conditions', () => {
  test('keep requests from a webhook, and fail them when they cannot be answered', async () => {
    const named = (expression: string) => ({ matchConditions: [{ name: 'only', expression }] });
    await using mine = await configured({ answer: allowed, ...named("object.metadata.name.startsWith('mine')") });
    await using _open = await configured({
      answer: () => ({ allowed: false }),
      failurePolicy: 'Ignore',
      ...named('object.nothing == 1'),
    });
    await create();
    const made = await create({ metadata: { name: 'mine' }, data: {} });
    assert.equal(made.status, 201, made.body.message);
    assert.deepEqual(
      mine.calls().map(({ name }) => name),
      ['mine'],
    );
    await using _closed = await configured({ answer: allowed, ...named('object.nothing == 1') });
    const refused = await create({ metadata: { name: 'other' }, data: {} });
    assert.deepEqual(
      [refused.status, refused.body.message],
      [
        403,
        `configmaps "other" is forbidden: expression 'object.nothing == 1' resulted in error: no such key: nothing`,
      ],
    );
  });
});

describe('mutating webhooks', () => {
  const add = (key: string, value: unknown) => jsonPatch({ op: 'add', path: `/data/${key}`, value });

  test('change the object one after the other, and again when something changed after them', async () => {
    const orders: string[] = [];
    await using _ = await configured(
      {
        sort: 'Mutating',
        reinvocationPolicy: 'IfNeeded',
        answer: ({ request }) => {
          orders.push(`first ${Object.keys(request.object.data).join()}`);
          return add('first', String(orders.length));
        },
      },
      {
        answer: ({ request }) => {
          orders.push(`second ${Object.keys(request.object.data).join()}`);
          return add('second', 'x');
        },
      },
    );
    const { body } = await create(newMap({ a: '1' }));
    assert.deepEqual(orders, ['first a', 'second a,first', 'first a,first,second']);
    assert.deepEqual(body.data, { a: '1', first: '3', second: 'x' });
  });

  test('are refused what makes no object, and what there is no object for', async () => {
    const rules = [{ ...mapRule, operations: ['CREATE', 'DELETE'] }];
    let patch: object = { allowed: true };
    await using _ = await configured({ sort: 'Mutating', rules, failurePolicy: 'Ignore', answer: () => patch });
    const map = newMap({ a: '1' });
    await create(map);
    patch = jsonPatch({ op: 'remove', path: '/data/none' });
    const missing = await create();
    assert.deepEqual([missing.status, missing.body.reason], [500, 'InternalError']);
    assert.match(missing.body.message, /^Internal error occurred: /);
    patch = jsonPatch({ op: 'replace', path: '/data', value: 'text' });
    assert.equal((await create(newMap({ a: '1' }))).status, 500);
    patch = jsonPatch({ op: 'add', path: '/data', value: { '..': 'x' } });
    assert.equal((await create()).status, 422);
    patch = { allowed: true, patchType: 'JSONPatch', patch: Buffer.from('{').toString('base64') };
    assert.equal((await create()).status, 201);
    patch = add('b', 'c');
    const gone = await api.call(`DELETE ${maps}/${(map.metadata as any).name}`);
    assert.equal(gone.status, 500);
    assert.match(gone.body.message, /attempted to modify the object, which is not supported for this operation/);
  });

  test('never see what decides about admission', async () => {
    const rules = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }];
    await using all = await configured({ answer: () => ({ allowed: false }), rules });
    await using _other = await configured({ answer: allowed });
    assert.equal(all.calls().length, 0);
  });

  test('act on dry runs only when they have no effects of their own', async () => {
    const path = `/apis/${group}/mutatingwebhookconfigurations`;
    answers.set('/beta', ({ request }) => ({ ...add('beta', 'yes'), patchType: undefined, uid: request.uid && 'any' }));
    const webhook = { clientConfig: hook.at('/beta'), rules: [mapRule], admissionReviewVersions: ['v9', 'v1beta1'] };
    await api.create(path, {
      metadata: { name: 'beta' },
      webhooks: [{ ...webhook, name: 'beta.example.com', sideEffects: 'None' }],
    });
    const { body } = await create(newMap({ a: '1' }));
    assert.equal(body.data.beta, 'yes');
    await api.call(`DELETE ${path}/beta`);
  });
});

describe('parts of objects', () => {
  const every = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'] };

  test('are reviewed as the kinds they are of', async () => {
    const resources = ['pods/*', 'deployments/scale', 'serviceaccounts/token'];
    await using configuration = await configured({ answer: allowed, rules: [{ ...every, resources }] });
    const labels = { app: 'part' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    await api.create('/apis/apps/v1/namespaces/default/deployments', {
      metadata: { name: 'part' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    });
    await api.create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    await api.create('/api/v1/namespaces/default/pods', { metadata: { name: 'part' }, spec: template.spec });
    const pod = '/api/v1/namespaces/default/pods/part';
    await api.call(
      'PATCH /apis/apps/v1/namespaces/default/deployments/part/scale',
      { spec: { replicas: 3 } },
      undefined,
      'application/merge-patch+json',
    );
    await api.call(`POST ${pod}/binding`, { metadata: { name: 'part' }, target: { kind: 'Node', name: 'n' } });
    await api.call(`PATCH ${pod}/status`, { status: { reason: 'x' } }, undefined, 'application/merge-patch+json');
    await api.call('POST /api/v1/namespaces/default/serviceaccounts/default/token', { spec: {} });
    await api.call(`POST ${pod}/attach?container=c&stdin=true`);
    await api.call(`POST ${pod}/exec?container=c&stdout=true&command=ls&command=-l`);
    await api.call(`GET ${pod}/proxy/metrics?x=y`);
    await api.call(`POST ${pod}/eviction`, { metadata: { name: 'part' } });
    const calls = configuration.calls();
    assert.deepEqual(
      calls.map(({ operation, resource, subResource, kind }) => [
        operation,
        `${resource.resource}/${subResource}`,
        kind.kind,
      ]),
      [
        ['CREATE', 'pods/undefined', 'Pod'],
        ['UPDATE', 'deployments/scale', 'Scale'],
        ['CREATE', 'pods/binding', 'Binding'],
        ['UPDATE', 'pods/status', 'Pod'],
        ['CREATE', 'serviceaccounts/token', 'TokenRequest'],
        ['CONNECT', 'pods/attach', 'PodAttachOptions'],
        ['CONNECT', 'pods/exec', 'PodExecOptions'],
        ['CONNECT', 'pods/proxy', 'PodProxyOptions'],
        ['CREATE', 'pods/eviction', 'Eviction'],
      ],
    );
    const [, scale, , , , attach, exec, proxy] = calls;
    assert.deepEqual([scale.oldObject.spec.replicas, scale.object.spec.replicas], [1, 3]);
    assert.deepEqual(attach.object, { kind: 'PodAttachOptions', apiVersion: 'v1', stdin: true, container: 'c' });
    assert.deepEqual(exec.object.command, ['ls', '-l']);
    assert.deepEqual([exec.options, exec.name, exec.oldObject], [null, 'part', null]);
    assert.equal(proxy.object.path, '/metrics');
  });

  test('can be changed and refused', async () => {
    const rules = [{ ...every, resources: ['deployments/scale', 'pods/attach'] }];
    await using _ = await configured({
      sort: 'Mutating',
      rules,
      answer: ({ request }) =>
        request.subResource === 'scale'
          ? jsonPatch({ op: 'replace', path: '/spec/replicas', value: 7 })
          : { allowed: false, status: { message: 'no attaching' } },
    });
    const scaled = await api.call(
      'PATCH /apis/apps/v1/namespaces/default/deployments/part/scale',
      { spec: { replicas: 2 } },
      undefined,
      'application/merge-patch+json',
    );
    assert.equal(scaled.body.spec.replicas, 7);
    const attached = await api.call('POST /api/v1/namespaces/default/pods/part/attach?container=c');
    assert.equal(attached.body.message, 'admission webhook "hook-0.example.com" denied the request: no attaching');
  });
});
