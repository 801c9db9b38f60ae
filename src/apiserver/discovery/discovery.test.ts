import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../testing/serve.ts';

for (const { accept, want } of [
  { accept: 'application/vnd.kubernetes.protobuf,application/json', want: 200 },
  { accept: 'text/html;q=0.3, */*;q=0.1', want: 200 },
  { accept: 'application/json;as=x', want: 200 },
  { accept: 'application/vnd.kubernetes.protobuf', want: 406 },
  { accept: 'application/*', want: 406 },
  { accept: 'text/html', want: 406 },
])
  test(`the version is JSON: ${want} for ${accept}`, async () => {
    await using api = await serve();
    assert.equal((await api.call('GET', '/version', undefined, { accept })).status, want);
  });

test('the server tells of itself as a text, or as an object of its kind, and of its health in figures', async () => {
  await using api = await serve();
  const text = await api.call('GET', '/statusz');
  assert.match(text.text, /^\napiserver statusz\nWarning: .*\n\nStarted: .*\nUp: {2}0 hr 0 min \d+ sec\n/);
  const accept = 'application/json;v=v1beta1;g=config.k8s.io;as=Flagz';
  const flags = await api.call('GET', '/flagz', undefined, { accept });
  assert.match(flags.text, /"kind": "Flagz"[\s\S]*"authorization-mode": "\[Node,RBAC\]"/);
  assert.equal((await api.call('GET', '/statusz', undefined, { accept: 'application/json' })).status, 406);
  const figures = await api.call('GET', '/metrics/slis');
  assert.match(figures.text, /^kubernetes_healthcheck\{name="ping",type="livez"\} 1$/m);
});

test('OpenAPI documents of both versions say what kinds and fields are for', async () => {
  await using api = await serve();
  const apps = JSON.parse((await api.call('GET', '/openapi/v3/apis/apps/v1')).text).components.schemas;
  const all = JSON.parse((await api.call('GET', '/openapi/v2')).text).definitions;
  for (const schemas of [apps, all]) {
    const { description, properties } = schemas['io.k8s.api.apps.v1.Deployment'];
    assert.match(description, /^Deployment keeps a number of equal pods/);
    // Upstream's suite looks for these beginnings.
    assert.match(properties.metadata.description, /^Standard object's metadata/);
    assert.match(properties.apiVersion.description, /^APIVersion defines/);
    for (const type of ['Deployment', 'DeploymentSpec', 'DeploymentStatus', 'StatefulSetSpec', 'DaemonSetStatus']) {
      const fields = Object.entries<any>(schemas[`io.k8s.api.apps.v1.${type}`].properties);
      assert.deepEqual(
        fields.filter(([, field]) => !field.description).map(([name]) => `${type}.${name}`),
        [],
      );
    }
    assert.match(schemas['io.k8s.api.core.v1.PodSpec'].properties.containers.description, /at least one/);
  }
  assert.match(all['io.k8s.api.batch.v1.JobSpec'].properties.backoffLimit.description, /6 by default/);
});

test('the index of OpenAPI v3 names each document there is, and each has a protobuf form', async () => {
  await using api = await serve();
  const { paths } = JSON.parse((await api.call('GET', '/openapi/v3')).text);
  for (const name of [
    'api',
    'api/v1',
    'apis',
    'apis/apps',
    'openid/v1/jwks',
    'version',
    '.well-known/openid-configuration',
  ]) {
    const document = await api.call('GET', paths[name].serverRelativeURL);
    assert.equal(document.status, 200, name);
    const { info, paths: own } = JSON.parse(document.text);
    assert.equal(info.version, '1.36');
    assert.ok(Object.keys(own)[0]!.startsWith(`/${name}/`), name);
  }
  const accept = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf';
  const apps = await api.call('GET', '/openapi/v3/apis/apps/v1', undefined, { accept });
  assert.equal(apps.headers['content-type'], 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf');
  assert.ok(apps.text.startsWith('\n\u00053.0.0\u0012\u0012\n\nKubernetes2\u00041.36"'));
  for (const name of ['nope', 'apis/nope/v1', 'apis//v1', 'api/v1/x', 'apis/apps/v1/x']) {
    const { status, text } = await api.call('GET', `/openapi/v3/${name}`, undefined, { accept: 'text/html' });
    assert.deepEqual([name, status, text], [name, 404, '']);
  }
  assert.equal((await api.call('GET', '/openapi/v3/api/v1', undefined, { accept: 'text/html' })).status, 406);
});
