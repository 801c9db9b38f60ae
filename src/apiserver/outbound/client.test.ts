import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { linkSignal } from '../../base/signals.ts';
import { openPki } from '../../cluster/pki.ts';
import { httpsServer, type TestHandler } from '../testing/https-server.ts';
import { OutboundClient, type OutboundTarget } from './client.ts';
import { mayDial } from './dial-policy.ts';

const folder = mkdtempSync(join(tmpdir(), 'coracle-outbound-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const forever = new AbortController().signal;

async function serving(handle: TestHandler) {
  const pki = await openPki(folder, Date.now());
  const made = await pki.ensure({ file: 'serving', commonName: 'x', hosts: ['hook.default.svc'] });
  const server = await httpsServer({ cert: made.certificate, key: made.key, ca: pki.ca }, handle);
  const target = (change: Partial<OutboundTarget['tls']> = {}, port = server.port): OutboundTarget => ({
    authority: 'hook.default.svc:443',
    tls: { serverName: 'hook.default.svc', ca: pki.ca, ...change },
    policy: 'url',
    resolve: () => ({ host: '127.0.0.1', port }),
  });
  return { server, target };
}

test('a connection is kept for the next request, and opened again after the other side has closed it', async () => {
  let connections = 0;
  const { server, target } = await serving((request, body) => ({ host: request.headers.host, body: `${body}` }));
  await using _server = server;
  server.server.on('secureConnection', () => connections++);
  using client = new OutboundClient();
  const ask = (body: string) =>
    client.exchange(target(), { method: 'POST', path: '/a', body: Buffer.from(body), signal: forever }, 1000);
  const first = await ask('one');
  assert.equal(`${first.body}`, '{"host":"hook.default.svc:443","body":"one"}');
  await ask('two');
  assert.equal(connections, 1);
  server.server.closeAllConnections();
  assert.equal((await ask('three')).status, 200);
  assert.equal(connections, 2);
});

test('what goes wrong is said as Go says it', async () => {
  const { server, target } = await serving((request, _body, response) => {
    if (request.url === '/cut') response.socket!.destroy();
    if (request.url === '/moved') response.writeHead(302, { location: 'https://127.0.0.1/' }).end();
    if (request.url === '/huge') response.end(Buffer.alloc(5000));
  });
  await using _server = server;
  const plain = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const plainPort = (plain.address() as { port: number }).port;
  using client = new OutboundClient();
  const problem = async (at: OutboundTarget, path: string, signal = forever) => {
    const answer = await client.exchange(at, { method: 'GET', path, signal }, 1000).catch((error) => error);
    return answer.message ?? answer.status;
  };
  const verify = 'tls: failed to verify certificate: x509: ';
  assert.equal(await problem(target(), '/moved'), 302);
  assert.equal(await problem(target(), '/cut'), 'EOF');
  assert.equal(await problem(target(), '/huge'), 'the response is larger than 1000 bytes');
  assert.equal(
    await problem(target({ serverName: 'other.default.svc' }), '/'),
    `${verify}certificate is valid for hook.default.svc, not other.default.svc`,
  );
  const { ca: _, ...noAuthority } = target().tls;
  assert.equal(
    await problem({ ...target(), tls: noAuthority }, '/'),
    `${verify}certificate signed by unknown authority`,
  );
  assert.equal(await problem(target({}, plainPort), '/'), 'http: server gave HTTP response to HTTPS client');
  plain.close();
  assert.equal(await problem(target({}, 1), '/'), 'dial tcp 127.0.0.1:1: connect: connection refused');
  using short = linkSignal([], 20);
  assert.equal(await problem(target(), '/never', short.signal), 'context deadline exceeded');
});

test('addresses that are nobody’s service are not dialled', async () => {
  for (const address of ['169.254.169.254', '0.0.0.0', '224.0.0.1', '::', 'fe80::1', '::ffff:169.254.169.254']) {
    assert.equal(mayDial(address, 'url'), false, address);
  }
  assert.equal(mayDial('127.0.0.1', 'url'), true);
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) assert.equal(mayDial(address, 'service'), false);
  assert.equal(mayDial('10.244.0.7', 'service'), true);
  using client = new OutboundClient();
  const target: OutboundTarget = {
    authority: 'localhost:443',
    tls: { serverName: 'localhost' },
    policy: 'service',
    resolve: () => ({ host: 'localhost', port: 443 }),
  };
  await assert.rejects(client.exchange(target, { method: 'GET', path: '/', signal: forever }, 10), /not allowed/);
});
