import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve, type TestServer } from '../testing/serve.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const applyType = { 'content-type': 'application/apply-patch+yaml' };
const merge = { 'content-type': 'application/merge-patch+json' };
const configMap = (data: Record<string, string>, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...metadata },
  data,
});
const apply = (api: TestServer, manager: string, data: Record<string, string>, query = '') =>
  api.call('PATCH', `${configMaps}/a?fieldManager=${manager}${query}`, configMap(data), applyType);
const owners = (body: any): Record<string, unknown> =>
  Object.fromEntries((body.metadata.managedFields ?? []).map((each: any) => [each.manager, each.fieldsV1['f:data']]));

test('an apply creates, owns what it names and removes what it stops naming', async () => {
  await using api = await serve();
  const created = await apply(api, 'one', { a: '1', b: '2' });
  assert.equal(created.status, 201);
  assert.deepEqual(owners(created.body), { one: { 'f:a': {}, 'f:b': {} } });
  const again = await apply(api, 'one', { a: '1' });
  assert.deepEqual(again.body.data, { a: '1' });
});

test('what two managers apply stays until both let go', async () => {
  await using api = await serve();
  await apply(api, 'one', { a: '1' });
  await apply(api, 'two', { a: '1' });
  assert.deepEqual((await apply(api, 'one', {})).body.data, { a: '1' });
  assert.equal((await apply(api, 'two', {})).body.data, undefined);
});

test('a value of another manager is a conflict, unless it is forced', async () => {
  await using api = await serve();
  await api.call('POST', configMaps, configMap({ a: '1' }), { 'user-agent': 'writer/1.0 (x)' });
  const refused = await apply(api, 'two', { a: '2' });
  assert.equal(refused.status, 409);
  assert.equal(refused.body.message, 'Apply failed with 1 conflict: conflict with "writer" using v1: .data.a');
  const forced = await apply(api, 'two', { a: '2' }, '&force=true');
  assert.deepEqual(owners(forced.body), { two: { 'f:a': {} }, writer: {} });
});

test('an apply that changes nothing is not written', async () => {
  await using api = await serve();
  await apply(api, 'one', { a: '1' });
  const revision = api.store.revision;
  await apply(api, 'one', { a: '1' });
  assert.equal(api.store.revision, revision);
});

test('a writer takes what it changes, and nothing more', async () => {
  await using api = await serve();
  await apply(api, 'one', { a: '1', b: '1' });
  const { body } = await api.call('PATCH', `${configMaps}/a?fieldManager=p`, { data: { a: '2', b: '1' } }, merge);
  assert.deepEqual(owners(body), { one: { 'f:b': {} }, p: { 'f:a': {} } });
});

test('an empty entry starts over, and what nobody tracks stays so until it is applied', async () => {
  await using api = await serve();
  await apply(api, 'one', { a: '1' });
  const reset = await api.call('PATCH', `${configMaps}/a`, { metadata: { managedFields: [{}] } }, merge);
  assert.equal(reset.body.metadata.managedFields, undefined);
  const patched = await api.call('PATCH', `${configMaps}/a`, { data: { b: '2' } }, merge);
  assert.equal(patched.body.metadata.managedFields, undefined);
  const applied = await apply(api, 'one', { a: '1' });
  assert.deepEqual(owners(applied.body), {
    'before-first-apply': { '.': {}, 'f:a': {}, 'f:b': {} },
    one: { 'f:a': {} },
  });
});

test('managers that update are ten at most: the oldest become one', async () => {
  await using api = await serve();
  await api.call('POST', `${configMaps}?fieldManager=m0`, configMap({ k0: 'x' }));
  for (let index = 1; index <= 11; index++) {
    await api.call('PATCH', `${configMaps}/a?fieldManager=m${index}`, { data: { [`k${index}`]: 'x' } }, merge);
  }
  const { body } = await api.call('GET', `${configMaps}/a`);
  const names = Object.keys(owners(body));
  assert.equal(names.length, 10);
  assert.ok(names.includes('ancient-changes'));
  const all = Object.values(owners(body)).flatMap((set) => Object.keys(set as object));
  assert.equal(all.filter((key) => key !== '.').length, 12);
});

test('the annotation of a client-side apply makes no conflict for kubectl', async () => {
  await using api = await serve();
  const key = 'kubectl.kubernetes.io/last-applied-configuration';
  const last = JSON.stringify(configMap({ a: '1' }));
  await api.call(
    'POST',
    `${configMaps}?fieldManager=kubectl-client-side-apply`,
    configMap({ a: '1' }, { annotations: { [key]: last } }),
  );
  assert.equal((await apply(api, 'other', { a: '2' })).status, 409);
  const { status, body } = await apply(api, 'kubectl', { a: '2' });
  assert.equal(status, 200);
  assert.equal(body.metadata.annotations[key], JSON.stringify(configMap({ a: '2' })));
});

test('an apply needs a manager, and only an apply is forced', async () => {
  await using api = await serve();
  const nobody = await api.call('PATCH', `${configMaps}/a`, configMap({}), applyType);
  assert.match(nobody.body.message, /fieldManager: Required value: is required for apply patch/);
  const forced = await api.call('PATCH', `${configMaps}/a?force=true`, {}, merge);
  assert.match(forced.body.message, /force: Forbidden: may not be specified for non-apply patch/);
});

test('replicas belong to who scales', async () => {
  await using api = await serve();
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { replicas: 1, selector: { matchLabels: { a: 'b' } }, template };
  await api.call(
    'PATCH',
    `${deployments}/web?fieldManager=one`,
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec },
    applyType,
  );
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas: 3 } };
  const refused = await api.call('PATCH', `${deployments}/web/scale?fieldManager=s`, scale, applyType);
  assert.equal(refused.body.message, 'Apply failed with 1 conflict: conflict with "one": .spec.replicas');
  await api.call('PATCH', `${deployments}/web/scale?fieldManager=s&force=true`, scale, applyType);
  const { body } = await api.call('GET', `${deployments}/web`);
  const entry = body.metadata.managedFields.find(({ manager }: { manager: string }) => manager === 's');
  assert.deepEqual([entry.subresource, entry.fieldsV1], ['scale', { 'f:spec': { 'f:replicas': {} } }]);
});

test('versions of a kind own the same fields under their own names', async () => {
  await using api = await serve();
  const path = '/namespaces/default/horizontalpodautoscalers';
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const metrics = [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
  ];
  const metadata = { name: 'h' };
  const kind = 'HorizontalPodAutoscaler';
  await api.call(
    'PATCH',
    `/apis/autoscaling/v2${path}/h?fieldManager=two`,
    { apiVersion: 'autoscaling/v2', kind, metadata, spec: { scaleTargetRef, maxReplicas: 5, metrics } },
    applyType,
  );
  const spec = { scaleTargetRef, maxReplicas: 5, targetCPUUtilizationPercentage: 70 };
  const one = { apiVersion: 'autoscaling/v1', kind, metadata, spec };
  const refused = await api.call('PATCH', `/apis/autoscaling/v1${path}/h?fieldManager=one`, one, applyType);
  assert.equal(refused.body.message, 'Apply failed with 1 conflict: conflict with "two": .spec.metrics');
  const forced = await api.call('PATCH', `/apis/autoscaling/v1${path}/h?fieldManager=one&force=true`, one, applyType);
  // They come in the order of their times, which are in whole seconds.
  const owned = forced.body.metadata.managedFields.map((each: any) => [
    each.manager,
    Object.keys(each.fieldsV1['f:spec']),
  ]);
  assert.deepEqual(owned.sort(), [
    ['one', ['f:maxReplicas', 'f:scaleTargetRef', 'f:targetCPUUtilizationPercentage']],
    ['two', ['f:maxReplicas', 'f:scaleTargetRef']],
  ]);
});
