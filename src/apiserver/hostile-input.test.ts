import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { serve } from './testing/serve.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const open = '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}';

const bodies: readonly { name: string; body: string | Uint8Array; status: number }[] = [
  { name: 'nothing', body: '', status: 400 },
  { name: 'no JSON', body: 'hello', status: 400 },
  { name: 'truncated JSON', body: `${open},"data":{"a":"b`, status: 400 },
  { name: 'text after the object', body: `${open}} trailing`, status: 400 },
  { name: 'a number too large for its type', body: `{"metadata":{"name":"a","generation":1e400}}`, status: 400 },
  {
    name: 'nesting of 100,000 levels',
    body: `${open},"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    status: 400,
  },
  { name: 'nesting that is never closed', body: '{"a":'.repeat(50_000), status: 400 },
  { name: '5 MB', body: `${open},"data":{"a":"${'x'.repeat(5_000_000)}"}}`, status: 413 },
  {
    name: 'a million keys',
    body: `${open},"data":{${Array.from({ length: 200_000 }, (_, i) => `"k${i}":""`).join(',')}}}`,
    status: 400,
  },
  {
    name: 'bytes that are not UTF-8',
    body: Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    status: 400,
  },
  { name: 'a bad name', body: '{"metadata":{"name":"../../etc/passwd"}}', status: 422 },
  { name: 'an unknown kind', body: '{"kind":"Nope","apiVersion":"v1","metadata":{"name":"a"}}', status: 400 },
];

test('bodies that are no objects are refused, and others are served on', async (t) => {
  await using api = await serve();
  for (const { name, body, status } of bodies) {
    await t.test(name, async () => {
      const answer = await api.call('POST', configMaps, body);
      assert.equal(answer.status, status, answer.text.slice(0, 300));
      assert.equal(answer.body.kind, 'Status');
      assert.equal((await api.call('GET', configMaps)).status, 200);
    });
  }
});

test('duplicate keys are refused when strictness is asked for, and told of otherwise', async () => {
  await using api = await serve();
  const body = `${open},"data":{"a":"1","a":"2"}}`;
  const strict = await api.call('POST', `${configMaps}?fieldValidation=Strict`, body);
  assert.match(strict.body.message, /duplicate field "data.a"/);
  const warned = await api.call('POST', configMaps, body);
  assert.equal(warned.status, 201);
  assert.match(warned.headers['warning']!, /duplicate field/);
});

test('keys that are special to JavaScript are data', async () => {
  await using api = await serve();
  const labels = { constructor: 'x', toString: 'y', hasOwnProperty: 'z' };
  const made = await api.call(
    'POST',
    configMaps,
    `{"metadata":{"name":"a","labels":{"__proto__":"p","constructor":"x"}},"__proto__":{"polluted":1}}`,
  );
  assert.ok(made.status === 201 || made.status === 422, made.text);
  assert.equal((await api.call('POST', configMaps, { metadata: { name: 'b', labels } })).status, 201);
  const selected = await api.call('GET', `${configMaps}?labelSelector=hasOwnProperty%3Dz`);
  assert.equal(selected.body.items.length, 1);
  assert.equal(({} as any).polluted, undefined);
});

const paths = [
  '//api/v1/pods',
  '/api//v1/pods',
  '/api/v1/namespaces/default/../kube-system/secrets',
  '/api/v1/namespaces/default/%2e%2e/kube-system/secrets',
  '/api/v1/namespaces/default%2Fsecrets/x',
  '/api/v1/namespaces/default/pods/a%00b',
  '/api/v1/namespaces/default/pods/%zz',
  '/api/v1/namespaces/default/pods/a%5c..%5cb',
  '/api/v1/./pods',
  '/api/v1/namespaces//pods',
  'http://other/api/v1/pods',
  '/api/v1/namespaces/default/services/s/proxy/a/../../../secrets',
];
for (const path of paths) {
  test(`the path ${path} is refused`, async () => {
    await using api = await serve();
    const { status } = await api.call('GET', path);
    assert.ok(status === 400 || status === 404, String(status));
  });
}

test('an object is found by no other name than its own', async () => {
  await using api = await serve();
  await api.call('POST', configMaps, { metadata: { name: 'a' } });
  for (const name of ['A', 'a%20', 'a.', './a', 'a%2e', '%61%00']) {
    assert.notEqual((await api.call('GET', `${configMaps}/${name}`)).status, 200, name);
  }
  assert.equal((await api.call('GET', `${configMaps}/%61`)).status, 200);
});

test('no random request makes the server fail', async () => {
  const seed = 20261122;
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random.next() * list.length)]!;
  const words = [
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'default',
    'pods',
    'configmaps',
    'a',
    'status',
    'scale',
    'watch',
    '',
    '..',
    '%2f',
    '%',
    'log',
    '?limit=-1',
    '?continue=AAAA',
    '?labelSelector=a in (',
    '?fieldSelector=,,=',
    '?resourceVersion=99',
    '?watch=0',
    '?timeoutSeconds=1',
    '?dryRun=All',
  ];
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"kind"',
    '"Pod"',
    ':',
    ',',
    '"metadata"',
    '"spec"',
    'null',
    '1e999',
    '"\\ud800"',
    '"name"',
    'true',
    '{"metadata":{"name":"z"}}',
    '[{"op":"add","path":"/x","value":{}}]',
    '{"spec":{"$patch":"delete"}}',
  ];
  const types = [
    'application/json',
    'application/yaml',
    'application/vnd.kubernetes.protobuf',
    'application/merge-patch+json',
    'application/json-patch+json',
    'application/strategic-merge-patch+json',
    'application/apply-patch+yaml',
    'text/plain',
    '',
  ];
  await using api = await serve();
  await api.call('POST', configMaps, { metadata: { name: 'a' } });
  for (let round = 0; round < 1500; round++) {
    const path = `/${Array.from({ length: Math.floor(random.next() * 8) }, () => pick(words)).join('/')}`;
    const method = pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'PURGE']);
    const target = random.next() < 0.4 ? `${configMaps}/a` : path;
    const body =
      random.next() < 0.6
        ? Array.from({ length: Math.floor(random.next() * 8) }, () => pick(pieces)).join('')
        : undefined;
    if (target.includes('watch')) continue;
    const { status, text } = await api.call(method, target, body, { 'content-type': pick(types) });
    assert.ok(
      status < 500 || status === 504 || !text.includes('InternalError'),
      `seed ${seed} round ${round}: ${method} ${target} ${body}: ${status} ${text}`,
    );
  }
  assert.deepEqual(Object.keys(Object.prototype), []);
});
