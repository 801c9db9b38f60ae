import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../testing/serve.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';

const versionProblem = (text: string, why: string) =>
  `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": ${why}`;

test('a version that is no number is refused as upstream does: in its own way where it has a cache', async () => {
  await using api = await serve();
  const refusal = async (path: string) => {
    const { status, body } = await api.call('GET', path);
    assert.equal(body.code, status);
    return [status, body.reason, body.message];
  };
  for (const [text, why] of [
    ['x', 'invalid syntax'],
    ['-1', 'invalid syntax'],
    ['99999999999999999999', 'value out of range'],
  ] as const) {
    const problem = versionProblem(text, why);
    const told = [400, 'BadRequest', `invalid resource version: ${problem}`];
    const query = `resourceVersion=${text}`;
    assert.deepEqual(await refusal(`/api/v1/namespaces/default/events/a?${query}`), told);
    assert.deepEqual(await refusal(`/apis/events.k8s.io/v1/namespaces/default/events/a?${query}`), told);
    assert.deepEqual(await refusal(`${configMaps}?${query}`), told);
    assert.deepEqual(await refusal(`${configMaps}/a?${query}`), [500, undefined, problem]);
    assert.deepEqual(await refusal(`${configMaps}?watch=1&${query}`), [500, undefined, problem]);
  }
});

test('what a version is asked of is judged before the version', async () => {
  await using api = await serve();
  const message = async (query: string) =>
    (await api.call('GET', `${configMaps}?resourceVersion=x&${query}`)).body.message;
  const unknown = '"a.b" is not a known field selector: only "metadata.name", "metadata.namespace"';
  assert.equal(await message('fieldSelector=a.b%3Dc'), unknown);
  assert.equal(await message('watch=1&fieldSelector=a.b%3Dc'), unknown);
  assert.match(await message('continue=x'), /^invalid continue token: /);
});

test('a selector of nothing selects everything', async () => {
  await using api = await serve();
  await api.call('POST', configMaps, { metadata: { name: 'a' } });
  for (const selector of ['%3D', '!%3D', '%3D,metadata.name%3Da']) {
    assert.equal((await api.call('GET', `${configMaps}?fieldSelector=${selector}`)).body.items.length, 1, selector);
  }
});

test('a list of metadata that is empty has no items at all', async () => {
  await using api = await serve();
  const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
  const { body } = await api.call('GET', configMaps, undefined, { accept });
  assert.equal(body.items, null);
});

test('a version is echoed by a dry run of a create, and refused by the create', async () => {
  await using api = await serve();
  const object = { metadata: { name: 'a', resourceVersion: '5' } };
  const echoed = await api.call('POST', `${configMaps}?dryRun=All`, object);
  assert.equal(echoed.body.metadata.resourceVersion, '5');
  assert.equal((await api.call('POST', configMaps, object)).status, 500);
  const zero = await api.call('POST', configMaps, { metadata: { name: 'a', resourceVersion: '0' } });
  assert.equal(zero.status, 201);
});

test('who is refused for the form of an answer is not warned of the resource', async () => {
  await using api = await serve();
  const endpoints = '/api/v1/namespaces/default/endpoints';
  assert.match((await api.call('GET', endpoints)).headers['warning'] ?? '', /deprecated/);
  const { status, headers } = await api.call('GET', endpoints, undefined, { accept: 'text/plain' });
  assert.equal(status, 406);
  assert.equal(headers['warning'], undefined);
});

test('of Events it is known at once that a version is not there', async () => {
  await using api = await serve();
  const { status, body } = await api.call('GET', '/api/v1/namespaces/default/events/a?resourceVersion=999999');
  assert.equal(status, 504);
  assert.match(body.message, /^Timeout: Too large resource version: 999999, current: \d+$/);
  assert.equal(body.details.retryAfterSeconds, undefined);
});

test('a boolean option that is there means yes, unless it says 0 or false', async () => {
  await using api = await serve();
  await api.call('POST', configMaps, { metadata: { name: 'a' }, data: { a: '0' } });
  const put = async (text: string, value: string) => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', data: { a: value } };
    const headers = { 'content-type': 'application/apply-patch+yaml' };
    const query = `fieldManager=${value}&force=${text}`;
    return (await api.call('PATCH', `${configMaps}/a?${query}`, object, headers)).status;
  };
  for (const [text, force, exports] of [
    ['1', 200, 400],
    ['x', 200, 400],
    ['f', 200, 400],
    ['', 200, 400],
    ['False', 409, 200],
    ['0', 409, 200],
  ] as const) {
    assert.equal(await put(text, `by-${text}`), force, text);
    assert.equal((await api.call('GET', `${configMaps}/a?export=${text}`)).status, exports, text);
  }
  const merge = { 'content-type': 'application/merge-patch+json' };
  assert.equal((await api.call('PATCH', `${configMaps}/a?force=`, { data: {} }, merge)).status, 422);
});
