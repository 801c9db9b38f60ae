import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { until } from '../../../base/testing/until.ts';
import { events, serve, type TestServer, take } from '../../testing/serve.ts';
import { type TestWebhook, testWebhook } from '../../testing/webhook.ts';

const group = 'stable.example.com';
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const at = (version: string) => `/apis/${group}/${version}/namespaces/default/hosts`;
const merge = { 'content-type': 'application/merge-patch+json' };

let api: TestServer;
let hook: TestWebhook;
/** What the webhook does instead of converting. */
let answer: ((review: any) => any) | undefined;

/** v1 has `hostPort`, v2 `host` and `port`. */
function convert(object: any, apiVersion: string): any {
  const { hostPort, host, port, ...rest } = object;
  if (apiVersion.endsWith('/v2')) {
    const [name, number] = (hostPort ?? ':').split(':');
    return { ...rest, apiVersion, host: name, port: number };
  }
  return { ...rest, apiVersion, hostPort: `${host}:${port}` };
}

const converted = ({ request }: any) => ({
  convertedObjects: request.objects.map((each: any) => convert(each, request.desiredAPIVersion)),
  result: { status: 'Success' },
});

before(async () => {
  hook = await testWebhook((review) => (answer ?? converted)(review));
  api = await serve();
  const properties = (...names: string[]) => ({
    openAPIV3Schema: {
      type: 'object',
      properties: {
        ...Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
        size: { type: 'integer', default: 1 },
      },
    },
  });
  const created = await api.call('POST', definitions, {
    metadata: { name: `hosts.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'hosts', kind: 'Host' },
      conversion: {
        strategy: 'Webhook',
        webhook: { clientConfig: hook.at('/convert'), conversionReviewVersions: ['v1'] },
      },
      versions: [
        { name: 'v1', served: true, storage: true, schema: properties('hostPort') },
        {
          name: 'v2',
          served: true,
          storage: false,
          schema: properties('host', 'port'),
          selectableFields: [{ jsonPath: '.host' }],
          additionalPrinterColumns: [{ name: 'Port', type: 'string', jsonPath: '.port' }],
        },
      ],
    },
  });
  assert.equal(created.status, 201, created.text);
  await until(
    () => api.call('GET', at('v1')),
    ({ status }) => status === 200,
  );
});
after(async () => {
  await api[Symbol.asyncDispose]();
  await hook[Symbol.asyncDispose]();
});
beforeEach(async () => {
  answer = undefined;
  await api.call('DELETE', at('v1'));
  hook.calls.length = 0;
});

const one = (name: string, hostPort = 'a:1') => ({
  apiVersion: `${group}/v1`,
  kind: 'Host',
  metadata: { name },
  hostPort,
});
const two = (name: string, host = 'b', port = '2') => ({
  apiVersion: `${group}/v2`,
  kind: 'Host',
  metadata: { name },
  host,
  port,
});
const shown = ({ body }: any) => {
  const { metadata: _, kind: _kind, apiVersion, ...rest } = body;
  return { version: apiVersion.split('/')[1], ...rest };
};

test('objects are written, read, changed and deleted in every version', async () => {
  const created = await api.call('POST', at('v2'), two('x'));
  assert.equal(created.status, 201, created.text);
  assert.deepEqual(shown(created), { version: 'v2', host: 'b', port: '2', size: 1 });
  assert.deepEqual(shown(await api.call('GET', `${at('v1')}/x`)), { version: 'v1', hostPort: 'b:2', size: 1 });
  const patched = await api.call('PATCH', `${at('v2')}/x`, { port: '3' }, merge);
  assert.deepEqual(shown(patched), { version: 'v2', host: 'b', port: '3', size: 1 });
  const read = await api.call('GET', `${at('v1')}/x`);
  const updated = await api.call('PUT', `${at('v1')}/x`, { ...read.body, hostPort: 'c:4' });
  assert.deepEqual(shown(updated), { version: 'v1', hostPort: 'c:4', size: 1 });
  const again = await api.call('GET', `${at('v2')}/x`);
  assert.deepEqual(shown(again), { version: 'v2', host: 'c', port: '4', size: 1 });
  assert.equal(again.body.metadata.uid, created.body.metadata.uid);
  assert.equal(again.body.metadata.resourceVersion, updated.body.metadata.resourceVersion);
  const apiVersions = again.body.metadata.managedFields.map((entry: any) => entry.apiVersion.split('/')[1]);
  assert.deepEqual(apiVersions.sort(), ['v1', 'v2']);
  assert.equal((await api.call('DELETE', `${at('v2')}/x`)).status, 200);
  assert.equal((await api.call('GET', `${at('v1')}/x`)).status, 404);
});

test('what one version applies, another may not take over', async () => {
  const apply = (version: string, manager: string, object: object, query = '') =>
    api.call('PATCH', `${at(version)}/x?fieldManager=${manager}${query}`, object, {
      'content-type': 'application/apply-patch+yaml',
    });
  assert.equal((await apply('v1', 'first', one('x'))).status, 201);
  const conflict = await apply('v2', 'second', two('x', 'z', '1'));
  assert.equal(conflict.status, 409, conflict.text);
  assert.match(conflict.body.message, /conflict with "first"/);
  const forced = await apply('v2', 'second', two('x', 'z', '1'), '&force=true');
  assert.deepEqual(shown(forced), { version: 'v2', host: 'z', port: '1', size: 1 });
  assert.deepEqual(shown(await api.call('GET', `${at('v1')}/x`)), { version: 'v1', hostPort: 'z:1', size: 1 });
});

test('a list of a thousand objects takes one call, and another list none', async () => {
  await Promise.all(
    Array.from({ length: 1000 }, (_, index) => api.call('POST', at('v1'), one(`x${index}`, `h:${index}`))),
  );
  hook.calls.length = 0;
  const listed = await api.call('GET', at('v2'));
  assert.equal(listed.body.items.length, 1000);
  assert.ok(listed.body.items.every((item: any) => item.host === 'h' && item.apiVersion === `${group}/v2`));
  assert.ok(hook.calls.length <= 1, `${hook.calls.length} calls`);
  await api.call('GET', `${at('v2')}?limit=500`);
  assert.ok(hook.calls.length <= 1);
  const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const rows = (await api.call('GET', `${at('v2')}?limit=1`, undefined, table)).body.rows;
  assert.deepEqual(rows[0].cells, ['x0', '0']);
});

test('a watch shows changes of any version in its own, and selects by its own fields', async () => {
  const stop = new AbortController();
  const watching = events(await api.open(`${at('v2')}?watch=true&fieldSelector=host%3Da`, {}, stop.signal));
  await api.call('POST', at('v1'), one('x', 'a:1'));
  await api.call('POST', at('v1'), one('y', 'other:1'));
  await api.call('PATCH', `${at('v1')}/x`, { hostPort: 'a:2' }, merge);
  await api.call('PATCH', `${at('v1')}/x`, { hostPort: 'b:2' }, merge);
  const seen = (await take(watching, 3)).map(({ type, object }) => [type, object.host, object.port]);
  stop.abort();
  assert.deepEqual(seen, [
    ['ADDED', 'a', '1'],
    ['MODIFIED', 'a', '2'],
    ['DELETED', 'a', '2'],
  ]);
  const selected = await api.call('GET', `${at('v2')}?fieldSelector=host%3Dother`);
  assert.deepEqual(
    selected.body.items.map((item: any) => item.metadata.name),
    ['y'],
  );
});

test('an answer that cannot be trusted fails the request, and ends a watch with the reason', async () => {
  await api.call('POST', at('v1'), one('ok'));
  await api.call('GET', at('v2'));
  const who = 'conversion webhook for stable.example.com/v1, Kind=Host';
  const change = (edit: (object: any) => any) => (review: any) => {
    const made = converted(review);
    return { ...made, convertedObjects: made.convertedObjects.map(edit) };
  };
  const cases: [(review: any) => any, string][] = [
    [() => ({ result: { status: 'Failure', message: 'no' } }), `${who} failed: no`],
    [() => ({ result: {} }), `${who} failed: response.result.status was '', not 'Success'`],
    [() => ({ convertedObjects: [], result: { status: 'Success' } }), `${who} returned 0 objects, expected 1`],
    [
      change((object) => ({ ...object, apiVersion: `${group}/v3` })),
      `${who} returned invalid object at index 0: invalid groupVersion (expected ${group}/v2, received ${group}/v3)`,
    ],
    [
      change((object) => ({ ...object, metadata: { ...object.metadata, name: 'other' } })),
      `${who} returned invalid object: must have the same name: x != other`,
    ],
    [
      change((object) => ({ ...object, metadata: { ...object.metadata, labels: { a: 1 } } })),
      `${who} returned invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object`,
    ],
  ];
  await api.call('POST', at('v1'), one('x'));
  for (const [wrong, message] of cases) {
    answer = wrong;
    const { status, body } = await api.call('GET', `${at('v2')}/x`);
    assert.deepEqual([status, body.message], [500, message]);
    assert.equal((await api.call('POST', at('v2'), two('new'))).status, 500);
  }
  answer = undefined;
  const watching = events(await api.open(`${at('v2')}?watch=true`));
  await take(watching, 2);
  answer = cases[0]![0];
  await api.call('POST', at('v1'), one('z'));
  const last = await take(watching, 2);
  assert.deepEqual(
    last.map(({ type, object }) => [type, object.message]),
    [['ERROR', `${who} failed: no`]],
  );
});

test('metadata is the server’s but for labels and annotations', async () => {
  answer = (review) => {
    const made = converted(review);
    for (const { metadata } of made.convertedObjects) {
      metadata.labels = { added: 'yes' };
      metadata.finalizers = ['x.y/z'];
      metadata.generation = 99;
    }
    return made;
  };
  await api.call('POST', at('v1'), one('x'));
  const { metadata } = (await api.call('GET', `${at('v2')}/x`)).body;
  assert.deepEqual([metadata.labels, metadata.finalizers, metadata.generation], [{ added: 'yes' }, undefined, 1]);
});
