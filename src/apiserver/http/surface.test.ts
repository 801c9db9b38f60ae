// What a client sees of the server beside objects: each as upstream's API server answers.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serve } from '../testing/serve.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const asTable = 'application/json;as=Table;g=meta.k8s.io;v=v1';

suite('the surface', () => {
  let api: Awaited<ReturnType<typeof serve>>;
  before(async () => {
    api = await serve();
  });
  after(() => api[Symbol.asyncDispose]());

  for (const { path, method = 'GET', accept = '', want } of [
    { path: '/livez/', want: 404 },
    { path: '/readyz/autoregister-completion', want: 200 },
    { path: '/healthz/poststarthook/rbac/bootstrap-roles', want: 200 },
    { path: '/livez/loopback-serving-certificate', want: 200 },
    { path: '/readyz/loopback-serving-certificate', want: 404 },
    { path: '/version', method: 'POST', want: 405 },
    { path: '/version', method: 'HEAD', want: 405 },
    { path: '/metrics/', want: 404 },
    { path: '/', method: 'POST', want: 200 },
    { path: '//', want: 404 },
    { path: '/openapi/v2/', want: 404 },
    { path: '/openapi/v2', accept: 'text/html', want: 406 },
    { path: '/openapi/v3/api/v1?hash=ABC', want: 301 },
    { path: `${configMaps}/`, want: 200 },
    { path: configMaps, accept: 'application/*', want: 406 },
    { path: configMaps, accept: 'application/json;stream=foo', want: 406 },
    { path: configMaps, accept: 'image/webp, */*;q=0', want: 200 },
    { path: `${configMaps}?watch=1&timeoutSeconds=1`, accept: 'application/yaml', want: 406 },
    { path: `${configMaps}?limit=`, want: 400 },
    { path: `${configMaps}?timeoutSeconds=abc`, want: 400 },
    { path: `${configMaps}?timeout=5`, want: 400 },
    { path: `${configMaps}?timeout=5s`, want: 200 },
  ])
    test(`${method} ${path} with Accept "${accept}" ends in ${want}`, async () => {
      const { status } = await api.call(method, path, undefined, { accept });
      assert.equal(status, want);
    });

  test('checks that cannot be excluded are named', async () => {
    const { text } = await api.call('GET', '/readyz?verbose&exclude=etcd&exclude=nosuch');
    assert.match(text, /\[\+\]etcd excluded: ok\n/);
    assert.match(
      text,
      /\nwarn: some health checks cannot be excluded: no matches for "nosuch"\nreadyz check passed\n$/,
    );
  });

  test('lists and objects are spread over lines when asked', async () => {
    await api.call('POST', configMaps, { metadata: { name: 'a' }, data: { 'b\\"': '{}[],: ' } });
    for (const path of [configMaps, `${configMaps}/a`]) {
      const plain = (await api.call('GET', path)).text;
      const { text } = await api.call('GET', `${path}?pretty=true`);
      assert.equal(text, JSON.stringify(JSON.parse(plain), undefined, 2));
    }
  });

  test('one namespace is watched by its old path', async () => {
    const made = await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'watched' } });
    assert.ok(made.status === 201, made.text);
    const { text } = await api.call('GET', '/api/v1/watch/namespaces/watched?timeoutSeconds=1');
    assert.match(text, /^{"type":"ADDED".*"name":"watched"/);
  });

  test('errors are spread over lines for who accepts no plain form of them', async () => {
    const { status, text } = await api.call('GET', `${configMaps}/nosuch`, undefined, { accept: asTable });
    assert.equal(status, 404);
    assert.match(text, /^\{\n {2}"kind": "Status",\n/);
  });
});
