// What once worked against upstream, its proxies or its HTTP library, by the number it is known under: refused here, and
// somebody else is served all the while.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, constants } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { seededRandom } from '../../src/base/random.ts';
import { TestCluster } from '../e2e/cluster.ts';
import { type Answer, type Ask, WireClient } from '../upstream/client.ts';
import { frame, frames, RawHttp2 } from './http2-frames.ts';
import { type Connection, codesIn, connectionOf, send } from './raw-http.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const yaml = { 'content-type': 'application/yaml' };
const apply = { 'content-type': 'application/apply-patch+yaml' };
const jsonPatch = { 'content-type': 'application/json-patch+json' };
const merge = { 'content-type': 'application/merge-patch+json' };
const host = 'Host: localhost\r\n';
const spy = `GET /api/v1/secrets HTTP/1.1\r\n${host}Connection: close\r\n\r\n`;

/** 10^levels strings, were it expanded. */
function aliasBomb(levels: number): string {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
  for (let level = 1; level < levels; level++) lines.push(`a${level}: &a${level} [${`*a${level - 1},`.repeat(10)}]`);
  return lines.join('\n');
}

suite('known attacks', () => {
  let cluster: TestCluster;
  let client: WireClient;
  let wire: Connection;

  before(async () => {
    cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver'] });
    client = new WireClient({
      kubeconfig: cluster.kubeconfig,
      headers: { accept: 'application/json' },
      timeoutMs: 20_000,
    });
    wire = connectionOf(cluster.kubeconfig);
    await ask({ method: 'POST', path: configMaps, body: '{"metadata":{"name":"a"},"data":{"k":"v"}}' }, 201);
  });
  after(async () => {
    client[Symbol.dispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const parsed = ({ body }: Answer) => JSON.parse(body.toString());

  async function ask(each: Ask, code: number): Promise<any> {
    const answer = await client.request(each);
    assert.equal(answer.code, code, `${each.method} ${each.path}: ${answer.body.toString().slice(0, 500)}`);
    return answer.body.length > 0 && answer.body[0] === 0x7b ? parsed(answer) : undefined;
  }

  /** Somebody else gets an answer. */
  const stillServed = () => ask({ method: 'GET', path: `${configMaps}/a` }, 200);

  for (const [name, headers, method, path] of [
    ['a create', yaml, 'POST', configMaps],
    ['an apply', apply, 'PATCH', `${configMaps}/b?fieldManager=m`],
  ] as const) {
    test(`CVE-2019-11253: aliases that grow without end are refused in ${name}, whatever their size`, async () => {
      const small = `kind: ConfigMap\napiVersion: v1\nmetadata: {name: b}\n${aliasBomb(10)}\n`;
      const large = `${small}# ${'x'.repeat(20_000)}\n`;
      for (const body of [small, large]) {
        const asked = ask({ method, path, headers, body }, 400);
        await stillServed();
        assert.match((await asked).message, /yaml/);
      }
    });
  }

  test('CVE-2019-1002100: a patch of copies of copies is refused before it grows', async () => {
    const operations = [
      { op: 'add', path: '/metadata/annotations', value: { a: 'x'.repeat(500) } },
      ...Array.from({ length: 5000 }, (_, index) => ({
        op: 'copy',
        from: '/metadata/annotations',
        path: `/metadata/annotations/c${index}`,
      })),
    ];
    const patch = { method: 'PATCH', path: `${configMaps}/a`, headers: jsonPatch, body: JSON.stringify(operations) };
    assert.match((await ask(patch, 422)).message, /rejected|copy|size/);
    const moves = Array.from({ length: 9999 }, () => ({ op: 'move', from: '/data', path: '/data' }));
    await client.request({ ...patch, body: JSON.stringify(moves) });
    await stillServed();
  });

  for (const [name, path] of [
    ['exec', '/api/v1/namespaces/default/pods/none/exec?command=sh'],
    ['port-forward', '/api/v1/namespaces/default/pods/none/portforward'],
    ['a proxy to a service', '/api/v1/namespaces/default/services/none/proxy/'],
    ['a proxy to a node', '/api/v1/nodes/none/proxy/'],
    ['what is no stream', configMaps],
  ] as const) {
    for (const protocol of ['SPDY/3.1', 'websocket']) {
      test(`CVE-2018-1002105: a refused upgrade of ${name} to ${protocol} carries nothing more`, async () => {
        const websocket = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
        const upgrade = `GET ${path} HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n${websocket}\r\n`;
        const text = await send(wire, upgrade + spy);
        assert.ok(!text.includes('SecretList'), text.slice(0, 300));
        assert.ok(
          codesIn(text).length <= 1 && codesIn(text).every((code) => code >= 200 && code < 500),
          text.slice(0, 300),
        );
      });
    }
  }

  test('CVE-2023-44487: requests that are taken back at once cost their sender the connection, and nobody else theirs', async () => {
    const session = connect(`https://${wire.host}:${wire.port}`, { ca: wire.ca, cert: wire.cert, key: wire.key });
    session.on('error', () => {}); // being sent away is what is waited for
    await once(session, 'connect');
    for (let count = 0; count < 20_000 && !session.destroyed && !session.closed; count++) {
      const stream = session.request({ ':path': '/api/v1/pods' });
      stream.on('error', () => {});
      stream.close(constants.NGHTTP2_CANCEL);
      if (count % 200 === 0) await stillServed();
    }
    session.destroy(); // its end may never be told, with so many streams that never began
    await stillServed();
  });

  test('writes that are taken back while they are read, worked on or answered disturb nobody', async () => {
    const random = seededRandom(11);
    for (const latestMs of [2, 4, 8, 16, 32, 100]) {
      const session = connect(`https://${wire.host}:${wire.port}`, { ca: wire.ca, cert: wire.cert, key: wire.key });
      session.on('error', () => {});
      await once(session, 'connect');
      const over: Promise<void>[] = [];
      for (let count = 0; count < 20; count++) {
        const data = { k: 'v'.repeat(Math.floor(random.next() * 200_000)) };
        const body = JSON.stringify({ metadata: { generateName: 'taken-back-' }, data });
        const stream = session.request({ ':method': 'POST', ':path': `${configMaps}?dryRun=All` });
        stream.on('error', () => {});
        stream.resume(); // an answer that was quicker than the taking back: unread, its stream would stay open
        over.push(new Promise((resolve) => stream.once('close', () => resolve())));
        if (count % 2 === 0) stream.end(body);
        else stream.write(body.slice(0, body.length >> 1));
        setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), random.next() * latestMs);
      }
      await Promise.all(over);
      await stillServed();
      session.destroy();
    }
  });

  test('CVE-2024-27983: headers that never end are cut off', async () => {
    using raw = await RawHttp2.open(wire);
    const start = frame(frames.headers, 0, 1, Buffer.from([0x82, 0x87]));
    const more = frame(
      frames.continuation,
      0,
      1,
      Buffer.concat([Buffer.from([0x00, 0x01, 0x61, 0x7f, 0x00]), Buffer.alloc(127, 0x61)]),
    );
    let isOpen = await raw.send(start);
    for (let count = 0; isOpen && count < 20_000; count++) isOpen = await raw.send(more);
    await raw.closed;
    await stillServed();
  });

  for (const [name, flood] of [
    ['CVE-2019-9512: pings', frame(frames.ping, 0, 0, Buffer.alloc(8))],
    ['CVE-2019-9515: settings', frame(frames.settings, 0, 0)],
  ] as const) {
    test(`${name} without end do not keep others waiting`, async () => {
      using raw = await RawHttp2.open(wire);
      const many = Buffer.concat(Array.from({ length: 1000 }, () => flood));
      for (let count = 0; count < 50; count++) {
        if (!(await raw.send(many))) break;
        await stillServed();
      }
    });
  }

  test('a compressed body is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50 << 20));
    const asked = ask({ method: 'POST', path: configMaps, headers: { 'content-encoding': 'gzip' }, body: bomb }, 400);
    await stillServed();
    await asked;
  });

  for (const [name, chunks] of [
    ['a size beyond all numbers', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
    ['a negative size', '-1\r\nhello\r\n0\r\n\r\n'],
    ['line feeds alone', '5\nhello\n0\n\n'],
    ['an extension of 200 KB', `5;${'x'.repeat(200_000)}\r\nhello\r\n0\r\n\r\n`],
    ['trailers that name a length', '2\r\n{}\r\n0\r\nContent-Length: 500\r\n\r\n'],
  ] as const) {
    test(`chunks with ${name} end their connection`, async () => {
      const post = `POST ${configMaps} HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const text = await send(wire, post + chunks + spy);
      assert.ok(!text.includes('SecretList') || codesIn(text).length === 2, text.slice(0, 300));
      assert.ok((codesIn(text)[0] ?? 400) >= 400, text.slice(0, 300));
    });
  }

  test('headers of a proxy count for nothing from anyone but the proxy', async () => {
    const spoofed = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
    const secrets = { method: 'GET', path: '/api/v1/secrets', headers: spoofed };
    const { code } = await client.request({ ...secrets, withoutCredentials: true });
    assert.ok(code === 401 || code === 403, String(code));
    const review = { method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: '{}' };
    const { status } = await ask({ ...review, headers: { 'x-remote-user': 'mallory', 'x-remote-group': 'evil' } }, 201);
    assert.equal(status.userInfo.username, 'kubernetes-admin');
    assert.ok(!status.userInfo.groups.includes('evil'));
  });

  test('a patch of the status changes nothing but the status', async () => {
    const node = { metadata: { name: 'quiet' }, spec: { unschedulable: true } };
    await ask({ method: 'POST', path: '/api/v1/nodes', body: JSON.stringify(node) }, 201);
    for (const [headers, body] of [
      [
        merge,
        '{"spec":{"unschedulable":false,"taints":null},"metadata":{"name":"quiet"},"status":{"phase":"Running"}}',
      ],
      [jsonPatch, '[{"op":"remove","path":"/spec/unschedulable"}]'],
    ] as const) {
      const patched = await ask({ method: 'PATCH', path: '/api/v1/nodes/quiet/status', headers, body }, 200);
      assert.equal(patched.spec.unschedulable, true);
    }
  });

  test('CVE-2021-25735: a node may not give itself what decides where pods go', async () => {
    const asNode = { 'impersonate-user': 'system:node:quiet', 'impersonate-group': 'system:nodes', ...merge };
    const patch = (body: string, path = '/api/v1/nodes/quiet') =>
      client.request({ method: 'PATCH', path, headers: asNode, body });
    for (const body of [
      '{"metadata":{"labels":{"node-restriction.kubernetes.io/pci":"yes"}}}',
      '{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":""}}}',
      '{"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]}}',
    ]) {
      assert.equal((await patch(body)).code, 403, body);
    }
    await ask({ method: 'POST', path: '/api/v1/nodes', body: '{"metadata":{"name":"other"}}' }, 201);
    assert.equal((await patch('{"metadata":{"labels":{"a":"b"}}}', '/api/v1/nodes/other')).code, 403);
  });

  test('CVE-2021-25737: slices of endpoints may not lead to the machine itself or its neighbours', async () => {
    for (const address of ['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1']) {
      const slice = { metadata: { name: 'evil' }, addressType: 'IPv4', endpoints: [{ addresses: [address] }] };
      const path = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
      const { details } = await ask({ method: 'POST', path, body: JSON.stringify(slice) }, 422);
      assert.match(details.causes[0].field, /endpoints\[0\]\.addresses\[0\]/);
    }
  });

  test('CVE-2022-3294, CVE-2020-8559: a proxy to a node reaches neither this machine nor where it is sent on to', async () => {
    let reached = 0;
    const backend = createServer((_request, response) => {
      reached++;
      response.writeHead(302, { location: 'https://127.0.0.1/' }).end('inside');
    }).listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const { port } = backend.address() as AddressInfo;
    await ask({ method: 'POST', path: '/api/v1/nodes', body: '{"metadata":{"name":"evil"}}' }, 201);
    const status = { status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] } };
    await ask(
      { method: 'PATCH', path: '/api/v1/nodes/evil/status', headers: merge, body: JSON.stringify(status) },
      200,
    );
    for (const path of [`/api/v1/nodes/evil:${port}/proxy/`, `/api/v1/nodes/http:evil:${port}/proxy/`]) {
      const { code, body } = await client.request({ method: 'GET', path });
      assert.ok(code >= 400, `${path}: ${code}`);
      assert.ok(!body.toString().includes('inside'));
    }
    assert.equal(reached, 0);
    backend.close();
  });

  test('CVE-2022-3162, CVE-2019-11247: custom resources are found by their own path alone', async () => {
    for (const [plural, kind, scope] of [
      ['things', 'Thing', 'Namespaced'],
      ['thingsecrets', 'ThingSecret', 'Cluster'],
    ]) {
      const definition = {
        metadata: { name: `${plural}.example.com` },
        spec: {
          group: 'example.com',
          scope,
          names: { plural, kind },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
            },
          ],
        },
      };
      const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
      await ask({ method: 'POST', path, body: JSON.stringify(definition) }, 201);
    }
    const base = '/apis/example.com/v1';
    const served = async (path: string) => (await client.request({ method: 'GET', path })).code === 200;
    while (!((await served(`${base}/things`)) && (await served(`${base}/thingsecrets`))));
    const secret = { apiVersion: 'example.com/v1', kind: 'ThingSecret', metadata: { name: 'hidden' } };
    await ask({ method: 'POST', path: `${base}/thingsecrets`, body: JSON.stringify(secret) }, 201);
    assert.deepEqual((await ask({ method: 'GET', path: `${base}/things` }, 200)).items, []);
    for (const path of [
      `${base}/namespaces/default/thingsecrets/hidden`,
      `${base}/namespaces/default/things/..%2f..%2fthingsecrets%2fhidden`,
      `${base}/things/../thingsecrets/hidden`,
      `${base}/namespaces/..%2fthingsecrets/things/hidden`,
    ]) {
      const { code } = await client.request({ method: 'GET', path });
      assert.ok(code === 400 || code === 404, `${path}: ${code}`);
    }
  });
});
