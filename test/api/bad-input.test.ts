// What no well-meaning client sends, to a real server over TLS: refused in upstream's words, and nobody else notices.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestCluster } from '../e2e/cluster.ts';
import { type Answer, WireClient } from '../upstream/client.ts';
import { type Connection, codesIn, connectionOf, send } from './raw-http.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const begin = '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}';
const json = { 'content-type': 'application/json' };
const yaml = { 'content-type': 'application/yaml' };
const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
const mergePatch = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const jsonPatch = { 'content-type': 'application/json-patch+json' };
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

interface Case {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly code: number;
  readonly reason?: string;
  readonly says?: RegExp;
  /** Fields of the causes. */
  readonly causes?: readonly string[];
}

const bodies: readonly Case[] = [
  { name: 'nothing', body: '', code: 400, reason: 'BadRequest' },
  { name: 'text', body: 'hello', code: 400, reason: 'BadRequest', says: /invalid character 'h' looking for beginning/ },
  { name: 'truncated JSON', body: `${begin},"data":{"a":"b`, code: 400, says: /unexpected end of JSON input/ },
  {
    name: 'JSON after the object',
    body: `${begin}}{"x":1}`,
    code: 400,
    says: /invalid character '\{' after top-level value/,
  },
  { name: 'nesting of 100,000 levels', body: `${begin},"data":${nested(100_000)}}`, code: 400, reason: 'BadRequest' },
  { name: 'nesting that does not end', body: '['.repeat(1_000_000), code: 400, reason: 'BadRequest' },
  { name: '5 MB', body: `${begin},"data":{"a":"${'x'.repeat(5 << 20)}"}}`, code: 413, reason: 'RequestEntityTooLarge' },
  {
    name: 'a duplicate key',
    path: `${configMaps}?fieldValidation=Strict`,
    body: `${begin},"data":{"a":"1","a":"2"}}`,
    code: 400,
    says: /strict decoding error: duplicate field "data.a"/,
  },
  {
    name: 'an unknown field',
    path: `${configMaps}?fieldValidation=Strict`,
    body: `${begin},"dota":{}}`,
    code: 400,
    says: /strict decoding error: unknown field "dota"/,
  },
  {
    name: 'a number for a string',
    body: `${begin},"data":{"a":1}}`,
    code: 400,
    says: /cannot unmarshal number into Go struct field ConfigMap\.data of type string/,
  },
  { name: 'bytes that are no UTF-8', body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), code: 400 },
  {
    name: 'an unknown kind',
    body: '{"kind":"Nope","apiVersion":"v1","metadata":{"name":"a"}}',
    code: 400,
    says: /no kind "Nope" is registered for version "v1"/,
  },
  {
    name: 'another kind',
    body: '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}}',
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a name of upper case',
    body: `${begin.replace('"a"', '"A_b"')}}`,
    code: 422,
    reason: 'Invalid',
    causes: ['metadata.name'],
  },
  {
    name: 'a name that climbs',
    body: `${begin.replace('"a"', '"../../etc/passwd"')}}`,
    code: 422,
    reason: 'Invalid',
    causes: ['metadata.name'],
  },
  {
    name: 'another namespace',
    body: `${begin.replace('"a"', '"a","namespace":"kube-system"')}}`,
    code: 400,
    says: /does not match the namespace/,
  },
  {
    name: 'two fields wrong at once',
    path: '/apis/apps/v1/namespaces/default/deployments',
    body: JSON.stringify({
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { name: 'a' },
      spec: {
        selector: { matchLabels: { app: 'a' } },
        template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'A' }], dnsPolicy: 'Never' } },
      },
    }),
    code: 422,
    reason: 'Invalid',
    causes: ['containers[0].name', 'containers[0].image', 'dnsPolicy'].map((field) => `spec.template.spec.${field}`),
  },
  {
    name: 'YAML with a tab',
    headers: yaml,
    body: 'kind: ConfigMap\napiVersion: v1\nmetadata:\n\tname: a\n',
    code: 400,
    says: /found character that cannot start any token/,
  },
  { name: 'a bomb of YAML aliases', headers: yaml, body: yamlBomb(), code: 400 },
  { name: 'truncated protobuf', headers: protobuf, body: Buffer.from('6b3873000a0f0a02763112', 'hex'), code: 400 },
  { name: 'protobuf without its prefix', headers: protobuf, body: Buffer.from('deadbeef', 'hex'), code: 400 },
  {
    name: 'a length of protobuf beyond its end',
    headers: protobuf,
    body: Buffer.from('6b3873000a0f0a027631ffffffffff7f', 'hex'),
    code: 400,
  },
  {
    name: 'a type nobody reads',
    headers: { 'content-type': 'text/html' },
    body: '<p>',
    code: 415,
    reason: 'UnsupportedMediaType',
  },
];

const patches: readonly Case[] = [
  { name: 'a JSON patch of nothing known', headers: jsonPatch, body: '[{"op":"conjure","path":"/data"}]', code: 422 },
  {
    name: 'a JSON patch to nowhere',
    headers: jsonPatch,
    body: '[{"op":"replace","path":"/nope/a","value":1}]',
    code: 422,
  },
  {
    name: 'a test that fails',
    headers: jsonPatch,
    body: '[{"op":"test","path":"/data/k","value":"other"}]',
    code: 422,
  },
  {
    name: '20,000 operations',
    headers: jsonPatch,
    body: JSON.stringify(Array.from({ length: 20_000 }, () => ({ op: 'add', path: '/data/a', value: 'b' }))),
    code: 413,
    reason: 'RequestEntityTooLarge',
  },
  { name: 'copies that double', headers: jsonPatch, body: copyBomb(), code: 422 },
  { name: 'a merge patch that is a list', headers: mergePatch, body: '[]', code: 400 },
  { name: 'a merge patch of no object', headers: mergePatch, body: '{"data":7}', code: 422 },
  { name: 'a nested merge patch', headers: mergePatch, body: nested(100_000), code: 400 },
  {
    name: 'a directive nobody knows',
    headers: strategic,
    body: '{"$patch":"explode"}',
    code: 500,
    says: /Unknown patch type/i,
  },
  { name: 'a change of the name', headers: mergePatch, body: '{"metadata":{"name":"other"}}', code: 400 },
  {
    name: 'a stale version',
    headers: mergePatch,
    body: '{"metadata":{"resourceVersion":"1"}}',
    code: 409,
    reason: 'Conflict',
  },
  { name: 'a type that is no patch', headers: json, body: '{}', code: 415, reason: 'UnsupportedMediaType' },
].map((each) => ({ ...each, method: 'PATCH', path: `${configMaps}/bad-input` }));

const queries: readonly Case[] = [
  {
    name: 'half a selector',
    path: '/api/v1/pods?labelSelector=a%20in%20(',
    code: 400,
    says: /unable to parse requirement/,
  },
  {
    name: 'a field nobody indexes',
    path: '/api/v1/pods?fieldSelector=nope%3D1',
    code: 400,
    says: /field label not supported: nope/,
  },
  {
    name: 'a version that is no number',
    path: '/api/v1/pods?resourceVersion=abc',
    code: 400,
    says: /invalid resource version|Invalid value: "abc"/,
  },
  { name: 'a limit that is no number', path: '/api/v1/pods?limit=abc', code: 400 },
  { name: 'a continue token of junk', path: '/api/v1/pods?continue=abc', code: 400, says: /continue key is not valid/ },
  { name: 'a version from the future', path: '/api/v1/pods?resourceVersion=99999999999', code: 504, reason: 'Timeout' },
  {
    name: 'a put of an old version',
    method: 'PUT',
    path: `${configMaps}/bad-input`,
    body: `${begin.replace('"a"', '"bad-input","resourceVersion":"1"')}}`,
    code: 409,
    reason: 'Conflict',
  },
  {
    name: 'a put under another name',
    method: 'PUT',
    path: `${configMaps}/bad-input`,
    body: `${begin}}`,
    code: 400,
    reason: 'BadRequest',
  },
  { name: 'no such resource', path: '/api/v1/namespaces/default/nopes', code: 404 },
  { name: 'no such version', path: '/apis/apps/v9/deployments', code: 404 },
].map((each) => ({ method: 'GET', ...each }));

const host = 'Host: localhost\r\n';
const last = 'Connection: close\r\n\r\n';
const post = `POST ${configMaps} HTTP/1.1\r\n${host}Content-Type: application/json\r\n`;
const spy = `GET /api/v1/secrets HTTP/1.1\r\n${host}${last}`;
const refusals: Readonly<Record<string, string>> = {
  'HTTP/0.9': 'GET /version\r\n\r\n',
  'no HTTP': '\x16\x03\x01 nonsense\r\n\r\n',
  'no Host': `GET /version HTTP/1.1\r\n${last}`,
  'two Hosts': `GET /version HTTP/1.1\r\n${host}Host: evil.example\r\n${last}`,
  'an absolute URL of another host': `GET http://evil.example/version HTTP/1.1\r\n${host}${last}`,
  CONNECT: `CONNECT evil.example:443 HTTP/1.1\r\n${host}${last}`,
  'a length and chunks at once': `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${spy}`,
  'two lengths': `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ${spy}`,
  'a folded header': `GET /version HTTP/1.1\r\n${host}X-A: b\r\n c\r\n${last}`,
  'a blank before the colon': `GET /version HTTP/1.1\r\n${host}X-A : b\r\n${last}`,
  'a zero byte in a header': `GET /version HTTP/1.1\r\n${host}X-A: a\0b\r\n${last}`,
  '2 MB of headers': `GET /version HTTP/1.1\r\n${host}X-A: ${'a'.repeat(2 << 20)}\r\n${last}`,
  'chunks without lengths': `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n${spy}`,
  'a path that climbs': `GET /api/v1/namespaces/default/../../v1/secrets HTTP/1.1\r\n${host}${last}`,
  'an encoded path that climbs': `GET /api/v1/namespaces/%2e%2e/secrets HTTP/1.1\r\n${host}${last}`,
  'an encoded slash': `GET /api/v1/namespaces/default%2fsecrets HTTP/1.1\r\n${host}${last}`,
  'an empty segment': `GET //api/v1/namespaces HTTP/1.1\r\n${host}${last}`,
  'a zero byte in a path': `GET /api/v1/namespaces/a%00b HTTP/1.1\r\n${host}${last}`,
  'a path that is no UTF-8': `GET /api/v1/namespaces/%ff%fe HTTP/1.1\r\n${host}${last}`,
  'a backslash': `GET /api/v1\\namespaces HTTP/1.1\r\n${host}${last}`,
  'groups of nobody': `GET /api/v1/namespaces HTTP/1.1\r\n${host}Impersonate-Group: system:masters\r\n${last}`,
};

suite('bad input', () => {
  let cluster: TestCluster;
  let client: WireClient;
  let wire: Connection;
  let bystander: Bystander;

  before(async () => {
    cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver'] });
    client = new WireClient({
      kubeconfig: cluster.kubeconfig,
      headers: { accept: 'application/json' },
      timeoutMs: 15_000,
    });
    wire = connectionOf(cluster.kubeconfig);
    const body = `${begin.replace('"a"', '"bad-input"')},"data":{"k":"v"}}`;
    assert.equal((await client.request({ method: 'POST', path: configMaps, body })).code, 201);
    bystander = new Bystander(client);
  });
  after(async () => {
    const { failures, count } = await bystander.leave();
    client[Symbol.dispose]();
    await cluster[Symbol.asyncDispose]();
    assert.deepEqual(failures, []);
    assert.ok(count > 10, `the bystander was served ${count} times only`);
  });

  for (const each of [...bodies, ...patches, ...queries]) {
    test(`${each.name} is refused with ${each.code}`, async () => {
      const { method = 'POST', path = configMaps, headers, body } = each;
      checkStatus(await client.request({ method, path, headers, body }), each);
    });
  }

  for (const [name, bytes] of Object.entries(refusals)) {
    test(`${name} is refused, and what follows is not served`, async () => {
      const text = await send(wire, Buffer.from(bytes, 'latin1'));
      assert.ok(!/"kind":"?\s?(?:SecretList|NamespaceList)"|gitVersion/.test(text), text.slice(0, 500));
      const [first, ...rest] = codesIn(text);
      assert.ok(first === undefined || (first >= 400 && first < 500), text.slice(0, 500));
      assert.deepEqual(rest, []);
    });
  }

  test('who sends too much is told so, although the rest is not read, nor what follows it', async () => {
    const rest = Buffer.alloc(5 << 20, 'x');
    const post = `POST ${configMaps} HTTP/1.1\r\n${host}Content-Type: application/json\r\n`;
    const declared = Buffer.concat([
      Buffer.from(`${post}Content-Length: ${rest.length}\r\n\r\n`),
      rest,
      Buffer.from(spy),
    ]);
    const chunked = Buffer.concat([
      Buffer.from(`${post}Transfer-Encoding: chunked\r\n\r\n${rest.length.toString(16)}\r\n`),
      rest,
      Buffer.from(`\r\n0\r\n\r\n${spy}`),
    ]);
    for (let round = 0; round < 3; round++) {
      const texts = await Promise.all([declared, chunked].map((bytes) => send(wire, bytes)));
      assert.deepEqual(texts.map(codesIn), [[413], [413]]);
    }
  });

  test('an upgrade that is refused carries no second request', async () => {
    const path = '/api/v1/namespaces/default/pods/none/exec?command=sh';
    const upgrade = `POST ${path} HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n${spy}`;
    assert.deepEqual(codesIn(await send(wire, upgrade)), [404]);
  });

  test('a selector of 3,000 requirements is answered', async () => {
    const path = `/api/v1/pods?labelSelector=${'a,'.repeat(3000)}a`;
    assert.equal((await client.request({ method: 'GET', path })).code, 200);
  });

  test('a long expression of sets is answered', async () => {
    const path = `/api/v1/pods?labelSelector=${encodeURIComponent(`a notin (${'b,'.repeat(3000)}c)`)}`;
    assert.equal((await client.request({ method: 'GET', path })).code, 200);
  });

  test('kubectl shows where a manifest has a tab', async () => {
    const file = await cluster.file('tab.yaml', 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n\tname: nginx\n');
    const { code, stderr } = await cluster.tryKubectl(`apply -f ${file}`);
    assert.equal(code, 1);
    assert.match(stderr, /line 4: found character that cannot start any token/);
  });

  test('clients that leave in the middle of a body are forgotten', async () => {
    const unfinished = `${post}Content-Length: 1000\r\n\r\n{"kind":"Conf`;
    await Promise.all(Array.from({ length: 20 }, () => send(wire, unfinished, 20)));
    assert.equal((await client.request({ method: 'GET', path: '/readyz' })).code, 200);
  });
});

function checkStatus({ code, body }: Answer, wanted: Case): void {
  const text = body.toString();
  assert.equal(code, wanted.code, text.slice(0, 500));
  if (wanted.code === 404 && !text.startsWith('{')) return; // unknown paths are answered in plain text
  const status = JSON.parse(text);
  assert.equal(status.kind, 'Status');
  assert.equal(status.status, 'Failure');
  assert.equal(status.code, wanted.code);
  if (wanted.reason) assert.equal(status.reason, wanted.reason);
  if (wanted.says) assert.match(status.message, wanted.says);
  if (wanted.causes) {
    const fields = status.details.causes.map(({ field }: { field: string }) => field);
    assert.deepEqual(new Set(fields), new Set(wanted.causes));
  }
}

/** Somebody else, who lists and writes all the time and must not notice anything. */
class Bystander {
  readonly #client: WireClient;
  readonly #failures: string[] = [];
  readonly #done: Promise<void>;
  #count = 0;
  #isLeaving = false;

  constructor(client: WireClient) {
    this.#client = client;
    this.#done = this.#work();
  }

  async #work(): Promise<void> {
    while (!this.#isLeaving) {
      const path = `${configMaps}/bad-input`;
      await this.#ask('GET', configMaps);
      await this.#ask('PATCH', path, `{"data":{"count":"${this.#count++}"}}`);
      await sleep(20);
    }
  }

  async #ask(method: string, path: string, body?: string): Promise<void> {
    try {
      const { code } = await this.#client.request({ method, path, ...(body ? { body, headers: mergePatch } : {}) });
      if (code !== 200) this.#failures.push(`${method} ${path}: ${code}`);
    } catch (error) {
      this.#failures.push(`${method} ${path}: ${(error as Error).message}`);
    }
  }

  async leave(): Promise<{ failures: readonly string[]; count: number }> {
    this.#isLeaving = true;
    await this.#done;
    return { failures: this.#failures, count: this.#count };
  }
}

function yamlBomb(): string {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
  for (let i = 1; i < 10; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(',')}]`,
    );
  return `kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n${lines.join('\n')}\n`;
}

function copyBomb(): string {
  const start = { op: 'add', path: '/metadata/annotations', value: { a: 'x'.repeat(1000) } };
  const copies = Array.from({ length: 40 }, (_, i) => ({
    op: 'copy',
    from: '/metadata/annotations',
    path: `/metadata/annotations/c${i}`,
  }));
  return JSON.stringify([start, ...copies]);
}
