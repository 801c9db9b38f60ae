import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../base/testing/until.ts';
import { events, serve, type TestServer, take } from '../testing/serve.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const group = 'stable.example.com';
const tabs = `/apis/${group}/v1/namespaces/default/crontabs`;
const merge = { 'content-type': 'application/merge-patch+json' };

const specSchema = {
  type: 'object',
  properties: {
    cron: { type: 'string', pattern: '^[*0-9 ]+$' },
    replicas: { type: 'integer', default: 1, minimum: 0 },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

function definition(change: Record<string, unknown> = {}, version: Record<string, unknown> = {}) {
  return {
    metadata: { name: `crontabs.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'crontabs', kind: 'CronTab', shortNames: ['ct'], categories: ['all'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: specSchema,
                status: { type: 'object', properties: { replicas: { type: 'integer' } } },
              },
            },
          },
          subresources: {
            status: {},
            scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
          },
          additionalPrinterColumns: [{ name: 'Cron', type: 'string', jsonPath: '.spec.cron' }],
          selectableFields: [{ jsonPath: '.spec.cron' }],
          ...version,
        },
      ],
      ...change,
    },
  };
}

const tab = (name: string, spec: object = { cron: '* 5' }, rest: object = {}) => ({
  apiVersion: `${group}/v1`,
  kind: 'CronTab',
  metadata: { name },
  spec,
  ...rest,
});

const conditionOf = (body: any, type: string) => body.status.conditions?.find((each: any) => each.type === type);

async function install(server: TestServer, object: { metadata: { name: string } }): Promise<any> {
  const created = await server.call('POST', definitions, object);
  assert.equal(created.status, 201, created.text);
  const path = `${definitions}/${object.metadata.name}`;
  return (
    await until(
      () => server.call('GET', path),
      ({ body }) => conditionOf(body, 'Established')?.status === 'True',
    )
  ).body;
}

test('finalizers of custom resources need no prefix; a new one without it is answered with a warning', async () => {
  await using server = await serve();
  await install(server, definition());
  const object = tab('a', { cron: '*' }, { metadata: { name: 'a', finalizers: ['mine', 'my.own', 'example.com/x'] } });
  const created = await server.call('POST', tabs, object);
  assert.equal(created.status, 201, created.text);
  const end = 'to avoid accidental conflicts with other finalizer writers';
  const warnings = String(created.headers['warning']);
  assert.ok(warnings.includes(`"mine\\": prefer a domain-qualified finalizer name ${end}`), warnings);
  assert.ok(
    warnings.includes(`"my.own\\": prefer a domain-qualified finalizer name including a path (/) ${end}`),
    warnings,
  );
  const again = await server.call('PATCH', `${tabs}/a`, { spec: { cron: '5' } }, merge);
  assert.equal(again.headers['warning'], undefined);
});

test('a definition is established, and what it defines is served, discovered and documented', async () => {
  await using server = await serve();
  const established = await install(server, definition());
  assert.equal(conditionOf(established, 'NamesAccepted').reason, 'NoConflicts');
  assert.deepEqual(established.status.storedVersions, ['v1']);
  assert.equal(established.status.acceptedNames.listKind, 'CronTabList');

  const created = await server.call('POST', tabs, tab('a', { cron: '*', unknown: 1, free: { x: [1, null] } }));
  assert.equal(created.status, 201, created.text);
  assert.deepEqual(created.body.spec, { cron: '*', free: { x: [1, null] }, replicas: 1 });
  assert.equal(created.body.metadata.generation, 1);

  const resources = (await server.call('GET', `/apis/${group}/v1`)).body.resources;
  assert.deepEqual(
    resources.map((each: any) => each.name),
    ['crontabs', 'crontabs/status', 'crontabs/scale'],
  );
  assert.deepEqual(resources[0].shortNames, ['ct']);
  const groups = (await server.call('GET', '/apis')).body.groups.map((each: any) => each.name);
  assert.equal(groups.at(-1), group);
  const aggregated = await server.call('GET', '/apis', undefined, {
    accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  });
  assert.ok(JSON.parse(aggregated.text).items.some((each: any) => each.metadata.name === group));
  const document = await server.call('GET', `/openapi/v3/apis/${group}/v1`);
  assert.ok(document.body.components.schemas['com.example.stable.v1.CronTab'].properties.spec);
  const whole = await server.call('GET', '/openapi/v2');
  assert.equal(whole.body.definitions['com.example.stable.v1.CronTab'].properties.spec.properties.cron.type, 'string');
  const proto = await server.call('GET', '/openapi/v2', undefined, {
    accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  });
  assert.equal(proto.status, 200);
});

test('wrong objects are refused with the place and the rule that they break', async () => {
  await using server = await serve();
  await install(server, definition());
  const bad = await server.call('POST', tabs, tab('a', { cron: 'x', replicas: -1 }));
  assert.equal(bad.status, 422);
  assert.deepEqual(bad.body.details.causes.map((each: any) => `${each.field} ${each.reason}`).sort(), [
    'spec.cron FieldValueInvalid',
    'spec.replicas FieldValueInvalid',
  ]);
  const strict = await server.call('POST', `${tabs}?fieldValidation=Strict`, tab('a', { oops: 1 }));
  assert.match(strict.body.message, /strict decoding error: unknown field "spec.oops"/);
  const warned = await server.call('POST', `${tabs}?fieldValidation=Warn`, tab('a', { oops: 1 }));
  assert.equal(warned.status, 201);
  assert.match(warned.headers['warning'] ?? '', /unknown field \\"spec.oops\\"/);
});

test('what needs the types of built-in kinds is refused, and free-form data is kept apart from the server', async () => {
  await using server = await serve();
  await install(server, definition());
  await server.call('POST', tabs, tab('a'));
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
  assert.equal((await server.call('PATCH', `${tabs}/a`, {}, strategic)).status, 415);
  assert.equal(
    (await server.call('GET', tabs, undefined, { accept: 'application/vnd.kubernetes.protobuf' })).status,
    406,
  );
  const either = { accept: 'application/vnd.kubernetes.protobuf,application/json' };
  assert.equal((await server.call('GET', tabs, undefined, either)).body.kind, 'CronTabList');
  const partial = { accept: 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' };
  assert.equal((await server.call('GET', tabs, undefined, partial)).status, 200);

  const deep = `${'{"a":'.repeat(490)}1${'}'.repeat(490)}`;
  const head = `{"apiVersion":"${group}/v1","kind":"CronTab","metadata":{"name":"deep"},"spec":{"free":`;
  const kept = await server.call('POST', tabs, `${head}${deep},"__proto__":{"cron":"x"}}}`);
  assert.equal(kept.status, 201, kept.text);
  assert.equal(kept.body.spec.cron, undefined);
  const deeper = `${'['.repeat(600)}${']'.repeat(600)}`;
  assert.equal((await server.call('POST', tabs, `${head}${deeper}}}`)).status, 400);
});

test('a schema that is nested too deeply, or has a pattern that is none, is refused', async () => {
  await using server = await serve();
  const nested = (levels: number): object =>
    levels === 0 ? { type: 'string' } : { type: 'object', properties: { a: nested(levels - 1) } };
  const schema = { openAPIV3Schema: { type: 'object', properties: { a: nested(210) } } };
  const refused = await server.call('POST', definitions, definition({}, { schema, selectableFields: [] }));
  assert.equal(refused.status, 422);
  const bad = { openAPIV3Schema: { type: 'object', properties: { a: { type: 'string', pattern: '(a' } } } };
  const unclosed = await server.call('POST', definitions, definition({}, { schema: bad, selectableFields: [] }));
  assert.match(
    unclosed.body.message,
    /properties\[a\].pattern: Invalid value: "\(a": must be a valid regular expression/,
  );
});

test('status and scale are written apart from the spec', async () => {
  await using server = await serve();
  await install(server, definition());
  await server.call('POST', tabs, tab('a', undefined, { status: { replicas: 9 } }));
  assert.equal((await server.call('GET', `${tabs}/a`)).body.status, undefined);
  const patched = await server.call(
    'PATCH',
    `${tabs}/a/status`,
    { spec: { replicas: 7 }, status: { replicas: 1 } },
    merge,
  );
  assert.deepEqual(
    [patched.body.spec.replicas, patched.body.status.replicas, patched.body.metadata.generation],
    [1, 1, 1],
  );
  const scaled = await server.call('PATCH', `${tabs}/a/scale`, { spec: { replicas: 4 } }, merge);
  assert.deepEqual([scaled.body.spec.replicas, scaled.body.status.replicas], [4, 1]);
  const read = await server.call('GET', `${tabs}/a`);
  assert.deepEqual([read.body.spec.replicas, read.body.metadata.generation], [4, 2]);
});

test('tables show the columns of the definition, and lists can be selected by its fields', async () => {
  await using server = await serve();
  await install(server, definition());
  await server.call('POST', tabs, tab('a', { cron: '1' }));
  await server.call('POST', tabs, tab('b', { cron: '2' }));
  const table = await server.call('GET', tabs, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  assert.deepEqual(
    table.body.columnDefinitions.map((each: any) => each.name),
    ['Name', 'Cron'],
  );
  assert.deepEqual(
    table.body.rows.map((row: any) => row.cells),
    [
      ['a', '1'],
      ['b', '2'],
    ],
  );
  const selected = await server.call('GET', `${tabs}?fieldSelector=spec.cron%3D2`);
  assert.deepEqual(
    selected.body.items.map((item: any) => item.metadata.name),
    ['b'],
  );
  assert.equal(selected.body.items[0].kind, 'CronTab');
});

test('a second version shows the same objects, and a watch in it sees writes in the first', async () => {
  await using server = await serve();
  const anything = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const v1 = { name: 'v1', served: true, storage: true, schema: anything };
  await install(server, definition({ versions: [v1, { ...v1, name: 'v2', storage: false }] }));
  const stop = new AbortController();
  const second = `/apis/${group}/v2/namespaces/default/crontabs`;
  const watching = events(await server.open(`${second}?watch=true`, {}, stop.signal));
  await server.call('POST', tabs, tab('a', { cron: 'x' }));
  const [added] = await take(watching, 1);
  stop.abort();
  assert.deepEqual([added.type, added.object.apiVersion, added.object.spec], ['ADDED', `${group}/v2`, { cron: 'x' }]);
  const preferred = (await server.call('GET', `/apis/${group}`)).body.preferredVersion.version;
  assert.equal(preferred, 'v2');
});

test('objects are read by the schema of today: new defaults appear, dropped fields go', async () => {
  await using server = await serve();
  await install(server, definition());
  await server.call('POST', tabs, tab('a'));
  const changed = {
    type: 'object',
    properties: { replicas: { type: 'integer' }, added: { type: 'string', default: 'new' } },
  };
  const versions = definition(
    {},
    { schema: { openAPIV3Schema: { type: 'object', properties: { spec: changed } } }, selectableFields: [] },
  );
  const answer = await server.call('PATCH', `${definitions}/crontabs.${group}`, { spec: versions.spec }, merge);
  assert.equal(answer.status, 200, answer.text);
  const read = await server.call('GET', `${tabs}/a`);
  assert.deepEqual(read.body.spec, { replicas: 1, added: 'new' });
});

test('a definition that is deleted takes its objects along, and waits for their finalizers', async () => {
  await using server = await serve();
  await install(server, definition());
  await server.call('POST', tabs, tab('a'));
  await server.call('POST', tabs, { ...tab('held'), metadata: { name: 'held', finalizers: ['example.com/hold'] } });
  const path = `${definitions}/crontabs.${group}`;
  const deleted = await server.call('DELETE', path);
  assert.equal(deleted.status, 200);
  await until(
    () => server.call('GET', tabs),
    ({ body }) => body.items.length === 1,
  );
  const refused = await server.call('POST', tabs, tab('b'));
  assert.deepEqual(
    [refused.status, refused.body.message],
    [405, 'create not allowed while custom resource definition is terminating'],
  );
  assert.equal(conditionOf((await server.call('GET', path)).body, 'Terminating').status, 'True');
  await server.call('PATCH', `${tabs}/held`, { metadata: { finalizers: null } }, merge);
  await until(
    () => server.call('GET', path),
    ({ status }) => status === 404,
  );
  assert.equal((await server.call('GET', tabs)).status, 404);
  const groups = (await server.call('GET', '/apis')).body.groups.map((each: any) => each.name);
  assert.ok(!groups.includes(group));
});

test('a name that another definition of the group has is refused until that one goes', async () => {
  await using server = await serve();
  await install(server, definition());
  const names = { plural: 'others', kind: 'CronTab', listKind: 'OtherList', singular: 'other' };
  const rival = { ...definition({ names }), metadata: { name: `others.${group}` } };
  await server.call('POST', definitions, rival);
  const path = `${definitions}/others.${group}`;
  const waiting = await until(
    () => server.call('GET', path),
    ({ body }) => conditionOf(body, 'NamesAccepted') !== undefined,
  );
  assert.equal(conditionOf(waiting.body, 'NamesAccepted').reason, 'KindConflict');
  assert.equal(conditionOf(waiting.body, 'Established').status, 'False');
  await server.call('DELETE', `${definitions}/crontabs.${group}`);
  await until(
    () => server.call('GET', path),
    ({ body }) => conditionOf(body, 'Established')?.status === 'True',
  );
});

test('a server that starts again serves what was defined before', async () => {
  const { openMemoryStore } = await import('../../store/engines/memory.ts');
  const store = openMemoryStore();
  await using first = await serve({ store });
  await install(first, definition());
  await first.call('POST', tabs, tab('a'));
  await using second = await serve({ store });
  assert.equal((await second.call('GET', `${tabs}/a`)).status, 200);
});

/** As large as what real operators bring: a thousand of fields, descriptions, a dozen levels. */
function largeSchema(depth: number, width: number): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  for (let index = 0; index < width; index++) {
    properties[`field${index}`] =
      depth > 0 && index < 3
        ? largeSchema(depth - 1, width)
        : {
            type: 'string',
            description: 'A field of which much can be said. '.repeat(4),
            pattern: `^[a-z]{0,${index + 1}}$`,
          };
  }
  return { type: 'object', description: 'An object with many fields.', properties };
}

test('definitions of the size that operators have are installed', async () => {
  await using server = await serve();
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: largeSchema(4, 20) } } };
  assert.ok(JSON.stringify(schema).length > 300_000);
  for (let index = 0; index < 5; index++) {
    const name = `kind${index}s`;
    const names = { plural: name, kind: `Kind${index}` };
    const object = {
      ...definition({ names }, { schema, selectableFields: [] }),
      metadata: { name: `${name}.${group}` },
    };
    await install(server, object);
  }
});
