import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../testing/serve.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
const merge = { 'content-type': 'application/merge-patch+json' };

test('an object lives from create to delete', async () => {
  await using api = await serve();
  const created = await api.call('POST', configMaps, configMap('a', { k: '1' }));
  assert.equal(created.status, 201);
  assert.match(created.body.metadata.uid, /^[0-9a-f-]{36}$/);
  const read = await api.call('GET', `${configMaps}/a`);
  assert.deepEqual(read.body, created.body);
  const updated = await api.call('PUT', `${configMaps}/a`, { ...read.body, data: { k: '2' } });
  assert.equal(updated.status, 200);
  assert.notEqual(updated.body.metadata.resourceVersion, read.body.metadata.resourceVersion);
  const stale = await api.call('PUT', `${configMaps}/a`, { ...read.body, data: { k: '3' } });
  assert.equal(stale.body.reason, 'Conflict');
  const deleted = await api.call('DELETE', `${configMaps}/a`);
  assert.equal(deleted.body.status, 'Success');
  assert.equal((await api.call('GET', `${configMaps}/a`)).status, 404);
});

test('a write that changes nothing is not written', async () => {
  await using api = await serve();
  const { body } = await api.call('POST', configMaps, configMap('a', { k: '1' }));
  const revision = api.store.revision;
  const same = await api.call('PUT', `${configMaps}/a`, body);
  assert.equal(same.body.metadata.resourceVersion, body.metadata.resourceVersion);
  await api.call('PATCH', `${configMaps}/a`, { data: { k: '1' } }, merge);
  assert.equal(api.store.revision, revision);
});

test('a dry run answers as if, and writes nothing', async () => {
  await using api = await serve();
  const revision = api.store.revision;
  assert.equal((await api.call('POST', `${configMaps}?dryRun=All`, configMap('a'))).status, 201);
  assert.equal((await api.call('GET', `${configMaps}/a`)).status, 404);
  assert.equal(api.store.revision, revision);
});

test('patches that race all land, none is lost', async () => {
  await using api = await serve();
  await api.call('POST', configMaps, configMap('a'));
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      api.call('PATCH', `${configMaps}/a`, { data: { [`k${index}`]: 'x' } }, merge),
    ),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const { body } = await api.call('GET', `${configMaps}/a`);
  assert.equal(Object.keys(body.data).length, 8);
});

test('generated names do not clash', async () => {
  await using api = await serve();
  const made = await Promise.all(
    Array.from({ length: 50 }, () => api.call('POST', configMaps, { metadata: { generateName: 'x-' } })),
  );
  assert.equal(new Set(made.map(({ body }) => body.metadata.name)).size, 50);
});

test('finalizers hold a deleted object until the last one goes', async () => {
  await using api = await serve();
  await api.call('POST', configMaps, { ...configMap('a'), metadata: { name: 'a', finalizers: ['example.com/f'] } });
  const deleted = await api.call('DELETE', `${configMaps}/a`);
  assert.ok(deleted.body.metadata.deletionTimestamp);
  const added = await api.call(
    'PATCH',
    `${configMaps}/a`,
    { metadata: { finalizers: ['example.com/f', 'example.com/g'] } },
    merge,
  );
  assert.equal(added.status, 422);
  assert.equal((await api.call('PATCH', `${configMaps}/a`, { metadata: { finalizers: null } }, merge)).status, 200);
  assert.equal((await api.call('GET', `${configMaps}/a`)).status, 404);
});

for (const [propagationPolicy, finalizer] of [
  ['Foreground', 'foregroundDeletion'],
  ['Orphan', 'orphan'],
]) {
  test(`${propagationPolicy} deletion leaves the object to the garbage collector`, async () => {
    await using api = await serve();
    await api.call('POST', configMaps, configMap('a'));
    const { body } = await api.call('DELETE', `${configMaps}/a`, {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy,
    });
    assert.deepEqual(body.metadata.finalizers, [finalizer]);
    assert.equal((await api.call('GET', `${configMaps}/a`)).status, 200);
  });
}

test('a bound pod goes gracefully, and at once when asked', async () => {
  await using api = await serve();
  const pods = '/api/v1/namespaces/default/pods';
  await api.call('POST', pods, {
    metadata: { name: 'p' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
  });
  const first = await api.call('DELETE', `${pods}/p`);
  assert.equal(first.body.metadata.deletionGracePeriodSeconds, 30);
  const later = await api.call('DELETE', `${pods}/p?gracePeriodSeconds=60`);
  assert.equal(later.body.metadata.deletionGracePeriodSeconds, 30);
  await api.call('DELETE', `${pods}/p?gracePeriodSeconds=0`);
  assert.equal((await api.call('GET', `${pods}/p`)).status, 404);
});

test('a namespace waits for its finalizer', async () => {
  await using api = await serve();
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'x' } });
  const deleted = await api.call('DELETE', '/api/v1/namespaces/x');
  assert.equal(deleted.body.status.phase, 'Terminating');
  await api.call('PUT', '/api/v1/namespaces/x/finalize', { ...deleted.body, spec: { finalizers: [] } });
  assert.equal((await api.call('GET', '/api/v1/namespaces/x')).status, 404);
});

test('pages show one revision, whatever is written between them', async () => {
  await using api = await serve();
  for (const name of ['a', 'b', 'c', 'd', 'e']) await api.call('POST', configMaps, configMap(name));
  const first = (await api.call('GET', `${configMaps}?limit=2`)).body;
  assert.equal(first.metadata.remainingItemCount, 3);
  await api.call('DELETE', `${configMaps}/c`);
  await api.call('POST', configMaps, configMap('bb'));
  const rest = (await api.call('GET', `${configMaps}?limit=9&continue=${first.metadata.continue}`)).body;
  assert.deepEqual(
    [...first.items, ...rest.items].map((item: any) => item.metadata.name),
    ['a', 'b', 'c', 'd', 'e'],
  );
  assert.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
});

test('a page whose revision is compacted answers 410 with a token to go on', async () => {
  await using api = await serve();
  for (const name of ['a', 'b', 'c']) await api.call('POST', configMaps, configMap(name));
  const first = (await api.call('GET', `${configMaps}?limit=1`)).body;
  await api.call('DELETE', `${configMaps}/b`);
  await api.store.compact(api.store.revision);
  const gone = await api.call('GET', `${configMaps}?limit=9&continue=${first.metadata.continue}`);
  assert.equal(gone.body.reason, 'Expired');
  const rest = (await api.call('GET', `${configMaps}?limit=9&continue=${gone.body.metadata.continue}`)).body;
  assert.deepEqual(
    rest.items.map((item: any) => item.metadata.name),
    ['c'],
  );
});

test('large lists are whole, in order, and as long as they say', async () => {
  await using api = await serve();
  const data = { payload: 'ä'.repeat(3000) };
  for (let index = 0; index < 200; index++)
    await api.call('POST', configMaps, configMap(`c-${String(index).padStart(3, '0')}`, data));
  const answer = await api.call('GET', configMaps);
  assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.text));
  assert.equal(answer.body.items.length, 200);
  assert.equal(answer.body.items[0].kind, undefined);
  const names = answer.body.items.map((item: any) => item.metadata.name);
  assert.deepEqual(names, [...names].sort());
});

test('services get addresses nobody else has, and give them back', async () => {
  await using api = await serve();
  const services = '/api/v1/namespaces/default/services';
  const service = (name: string, spec: object = {}) => ({
    metadata: { name },
    spec: { type: 'NodePort', ports: [{ port: 80 }], ...spec },
  });
  const made = await Promise.all(
    Array.from({ length: 40 }, (_, index) => api.call('POST', services, service(`s-${index}`))),
  );
  assert.equal(new Set(made.map(({ body }) => body.spec.clusterIP)).size, 40);
  assert.equal(new Set(made.map(({ body }) => body.spec.ports[0].nodePort)).size, 40);
  const { clusterIP } = made[0]!.body.spec;
  const taken = await api.call('POST', services, service('t', { clusterIP }));
  assert.match(taken.body.message, /provided IP is already allocated/);
  await api.call('DELETE', `${services}/s-0`);
  assert.equal((await api.call('POST', services, service('t', { clusterIP }))).status, 201);
});
