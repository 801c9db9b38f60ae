import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { openPki } from '../../cluster/pki.ts';
import { serve } from '../testing/serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'coracle-listen-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function listening() {
  const pki = await openPki(folder, Date.now());
  const serving = await pki.ensure({ file: 'serving', commonName: 'server', hosts: ['127.0.0.1', 'localhost'] });
  const client = await pki.ensure({ file: 'admin', commonName: 'admin', organizations: ['system:masters'] });
  const api = await serve({
    listen: { host: '127.0.0.1', port: 0, tls: { cert: serving.certificate, key: serving.key, clientCa: pki.ca } },
  });
  return { api, ca: pki.ca, cert: client.certificate, key: client.key, port: api.server.address!.port };
}

interface Got {
  status: number;
  text: string;
}

test('HTTP/1.1 and HTTP/2 on one port, by client certificate', async () => {
  const { api, ca, cert, key, port } = await listening();
  await using _api = api;
  const overHttp1 = await new Promise<Got>((resolve, reject) => {
    request(
      { host: '127.0.0.1', port, path: '/api/v1/namespaces/default', ca, cert, key, agent: false },
      (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode!, text }));
      },
    )
      .on('error', reject)
      .end();
  });
  assert.equal(overHttp1.status, 200);
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca, cert, key });
  const overHttp2 = await new Promise<Got>((resolve, reject) => {
    const stream = session.request({ ':path': '/api/v1/namespaces/default' });
    let status = 0;
    let text = '';
    stream.on('response', (headers) => (status = headers[':status']!));
    stream.on('data', (chunk) => (text += chunk));
    stream.on('end', () => resolve({ status, text }));
    stream.on('error', reject);
    stream.end();
  });
  session.close();
  assert.deepEqual(overHttp2, overHttp1);
});

test('a caller without a certificate is anonymous, and refused', async () => {
  const { api, ca, port } = await listening();
  await using _api = api;
  const response = await fetchOnce(`GET /api/v1/pods HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`, port, ca);
  assert.match(response, /^HTTP\/1\.1 403 /);
  assert.match(response, /system:anonymous/);
});

for (const [name, head, answer] of [
  [
    'an absolute URL',
    'GET http://other/api/v1/pods HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    /^HTTP\/1\.1 400 /,
  ],
  [
    'an upgrade of what cannot be upgraded',
    'GET /api/v1/pods HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    /^HTTP\/1\.1 403 /,
  ],
  [
    'two lengths',
    'POST /api/v1/pods HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx',
    /^HTTP\/1\.1 400 /,
  ],
  [
    'a length and chunks',
    'POST /api/v1/pods HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    /^HTTP\/1\.1 400 /,
  ],
  ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['headers of 64 KiB', `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(65_536)}\r\n\r\n`, /^HTTP\/1\.1 4|^$/],
] as const) {
  test(`${name} on the wire is refused`, async () => {
    const { api, ca, port } = await listening();
    await using _api = api;
    assert.match(await fetchOnce(head, port, ca), answer);
    const after = await fetchOnce('GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', port, ca);
    assert.match(after, /^HTTP\/1\.1 (200|403) /);
  });
}

/** What the server says to these bytes until it closes. */
function fetchOnce(bytes: string, port: number, ca: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'] }, () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}

test('long lists to many readers, some of them slow and some gone, are each what they should be', async () => {
  const { api, ca, cert, key, port } = await listening();
  await using _api = api;
  const path = '/api/v1/namespaces/default/configmaps';
  // Each answer differs in every byte of its size from those of other selectors: a buffer sent twice would show.
  const groups = ['a', 'b', 'c'];
  for (const group of groups) {
    for (let index = 0; index < 8; index++) {
      const data = { text: group.repeat(200_000) };
      await api.call('POST', path, { metadata: { name: `${group}${index}`, labels: { group } }, data });
    }
  }
  const listOf = (group: string) => `${path}?labelSelector=group%3D${group}`;
  const expected = new Map<string, string>();
  for (const group of groups) expected.set(group, (await api.call('GET', listOf(group))).text);

  const read = async (stream: AsyncIterable<Buffer>, isSlow: boolean) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk);
      if (isSlow) await new Promise((resolve) => setImmediate(resolve));
    }
    return Buffer.concat(chunks).toString();
  };
  const open = (group: string) =>
    new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: listOf(group), ca, cert, key, agent: false }, resolve)
        .on('error', reject)
        .end();
    });
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca, cert, key });
  const all = Array.from({ length: 24 }, async (_, index) => {
    const group = groups[index % 3]!;
    if (index % 8 === 7) return void (await open(group)).destroy();
    const stream = index % 2 === 0 ? session.request({ ':path': listOf(group) }) : await open(group);
    const text = await read(stream, index % 4 < 2);
    assert.ok(text === expected.get(group), `reader ${index} got something else`);
  });
  await Promise.all(all);
  session.destroy();
});
