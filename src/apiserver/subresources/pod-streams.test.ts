import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { openPki, type Pki } from '../../cluster/pki.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

interface Seen {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly client: string | undefined;
}

let directory: string;
let pki: Pki;
let agent: Server;
let api: TestServer;
let admin: { cert: string; key: string };
let seen: Seen[] = [];
/** What the node's agent does with an upgrade; each test says. */
let onUpgrade: (socket: Duplex, head: Buffer) => void;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coracle-streams-'));
  pki = await openPki(directory, Date.now());
  const pair = async (file: string, commonName: string, more: object = {}) => {
    const { certificate, key } = await pki.ensure({ file, commonName, ...more });
    return { cert: certificate, key };
  };
  admin = await pair('admin', 'admin', { organizations: ['system:masters'] });
  const serving = await pair('serving', 'serving', { hosts: ['127.0.0.1'] });
  const agentServing = await pair('agent', 'agent', { hosts: ['127.0.0.1'] });
  const strangers = await openPki(join(directory, 'strangers'), Date.now());
  const stranger = await strangers.ensure({ file: 'agent', commonName: 'agent', hosts: ['127.0.0.1'] });
  agent = await startAgent({ ...agentServing, ca: pki.ca });
  const impostor = await startAgent({ cert: stranger.certificate, key: stranger.key, ca: pki.ca });
  const kubelet = { ...(await pair('kubelet-client', 'kube-apiserver-kubelet-client')), ca: pki.ca };
  api = await startTestServer({
    kubelet,
    listen: { host: '127.0.0.1', port: 0, tls: { ...serving, clientCa: pki.ca } },
  });
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  await api.create('/api/v1/namespaces/shop/serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  });
  for (const [name, server] of [
    ['n1', agent],
    ['n2', impostor],
  ] as const)
    await addNode(name, (server.address() as AddressInfo).port);
  for (const [name, nodeName] of [
    ['web', 'n1'],
    ['lost', 'n2'],
    ['gone', 'n3'],
  ]) {
    const spec = { nodeName, containers: [{ name: 'app', image: 'i', ports: [{ containerPort: 80 }] }] };
    await api.create('/api/v1/namespaces/shop/pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
  }
  after(() => impostor.close());
});

after(async () => {
  await api[Symbol.asyncDispose]();
  agent.closeAllConnections();
  agent.close();
  await rm(directory, { recursive: true });
});

beforeEach(() => {
  seen = [];
});

async function startAgent(tls: { cert: string; key: string; ca: string }): Promise<Server> {
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false });
  const note = (message: IncomingMessage) => {
    const certificate = (message.socket as TLSSocket).getPeerCertificate();
    seen.push({ url: message.url!, headers: message.headers, client: certificate.subject?.CN as string | undefined });
  };
  server.on('request', (message, response) => {
    note(message);
    if (message.url!.includes('/broken')) response.writeHead(400).end('container is waiting to start');
    else response.end('line 1\nline 2\n');
  });
  server.on('upgrade', (message, socket, head) => {
    note(message);
    socket.on('error', () => {});
    onUpgrade(socket, head);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function addNode(name: string, port: number): Promise<void> {
  await api.create('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } });
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  await api.call(`PATCH /api/v1/nodes/${name}/status`, { status }, undefined, 'application/merge-patch+json');
}

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly socket?: Duplex;
  readonly early?: Buffer;
}

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { port } = api.server.address!;
    const call = request({ host: '127.0.0.1', port, path, method, headers, agent: false, ca: pki.ca, ...admin });
    call.on('upgrade', (response, socket, early) => resolve({ status: response.statusCode!, text: '', socket, early }));
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() }));
    });
    call.on('error', reject);
    call.end();
  });
}

const pod = '/api/v1/namespaces/shop/pods/web';
const spdy = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' };
const switching = (protocol: string) =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;

describe('logs', () => {
  test('come from the node that runs the pod, asked for as ourselves', async () => {
    const { status, text } = await ask(`${pod}/log?tailLines=5&follow=true`, { cookie: 'a=b' });
    assert.deepEqual([status, text], [200, 'line 1\nline 2\n']);
    const [request] = seen;
    assert.equal(request!.client, 'kube-apiserver-kubelet-client');
    const url = new URL(request!.url, 'https://x');
    assert.equal(url.pathname, '/containerLogs/shop/web/app');
    assert.deepEqual(Object.fromEntries(url.searchParams), { follow: 'true', tailLines: '5' });
    assert.equal(request!.headers.cookie, undefined);
  });

  for (const { protocol, want } of [
    { protocol: [], want: 'line 1\nline 2\n' },
    { protocol: ['binary.k8s.io'], want: 'line 1\nline 2\n' },
    { protocol: ['base64.binary.k8s.io'], want: Buffer.from('line 1\nline 2\n').toString('base64') },
  ])
    test(`come as messages to a WebSocket with protocol [${protocol}]`, async () => {
      const client = new WebSocket(`wss://127.0.0.1:${api.server.address!.port}${pod}/log`, protocol, {
        ca: pki.ca,
        ...admin,
      });
      const messages: string[] = [];
      client.on('message', (data) => messages.push(data.toString()));
      const [code] = await once(client, 'close');
      assert.deepEqual([code, messages[0], messages.join('')], [1000, '', want]);
      assert.equal(client.protocol, protocol[0] ?? '');
    });

  test('are not taken from a node whose certificate is not ours', async () => {
    const { status, text } = await ask('/api/v1/namespaces/shop/pods/lost/log');
    assert.equal(status, 500);
    assert.match(text, /error dialing backend/);
    assert.equal(seen.length, 0);
  });
});

describe('a pod whose node is gone', () => {
  for (const action of ['log', 'exec?command=a', 'attach', 'portforward'])
    test(`has no ${action.split('?')[0]}, upgraded or not`, async () => {
      const { status, text } = await ask(`/api/v1/namespaces/shop/pods/gone/${action}`);
      assert.equal(status, 404);
      assert.equal(JSON.parse(text).message, 'pods "n3" not found');
    });
});

test('ports that are no numbers are told before anything else', async () => {
  const { status, text } = await ask('/api/v1/namespaces/shop/pods/gone/portforward?ports=80,abc');
  assert.equal(status, 400);
  const problem = 'strconv.ParseUint: parsing "abc": invalid syntax';
  assert.equal(JSON.parse(text).message, `cannot convert to []int32: ${problem}`);
});

describe('exec', () => {
  test('joins two connections, and their ends', async () => {
    let behind: Duplex | undefined;
    onUpgrade = (socket, head) => {
      behind = socket;
      socket.write(`${switching('SPDY/3.1')}hello `);
      socket.write(head);
      socket.on('data', (chunk) => socket.write(chunk));
    };
    const { status, socket, early } = await ask(
      `${pod}/exec?command=a%20b&command=c&stdin=true&stdout=true&tty=true`,
      spdy,
      'POST',
    );
    assert.equal(status, 101);
    assert.equal(seen[0]!.url, '/exec/shop/web/app?input=1&output=1&tty=1&command=a+b&command=c');
    socket!.write('and back');
    let text = early!.toString();
    for await (const chunk of socket!) {
      text += chunk;
      if (text.endsWith('back')) break;
    }
    assert.equal(text, 'hello and back');
    if (!behind!.destroyed) await once(behind!, 'close');
  });

  test('passes on what the node says when it refuses', async () => {
    onUpgrade = (socket) => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\n\r\ncontainer not found');
    const { status, text } = await ask(`${pod}/exec?command=ls`, spdy, 'POST');
    assert.deepEqual([status, text], [404, 'container not found']);
  });

  test('switches to no other protocol than the one asked for', async () => {
    onUpgrade = (socket) => socket.write(switching('smuggled'));
    const { status } = await ask(`${pod}/exec?command=ls`, spdy, 'POST');
    assert.equal(status, 500);
  });

  test('tells the node neither tokens nor names of the caller', async () => {
    onUpgrade = (socket) => socket.end(`${switching('websocket')}`);
    const { socket } = await ask(`${pod}/attach?stdout=true`, {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.c2VjcmV0',
      'impersonate-user': 'admin2',
      'impersonate-group': 'system:masters',
    });
    socket?.destroy();
    const { headers } = seen[0]!;
    assert.equal(headers['sec-websocket-protocol'], 'v5.channel.k8s.io');
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('impersonate') || name === 'authorization'),
      [],
    );
  });

  test('without an upgrade, or of a path that leads elsewhere, is refused', async () => {
    assert.equal((await ask(`${pod}/exec?command=ls`, {}, 'POST')).status, 400);
    const odd = await ask(`${pod}/exec?container=..%2F..%2Frun`, spdy, 'POST');
    assert.deepEqual([odd.status, JSON.parse(odd.text).message], [400, 'container ../../run is not valid for pod web']);
    assert.equal(seen.length, 0);
  });
});

describe('the proxy', () => {
  test('does not lead to this machine or to link-local addresses', async () => {
    for (const podIP of ['127.0.0.1', '169.254.169.254', '::1', '0.0.0.0', 'localhost']) {
      await api.call(`PATCH ${pod}/status`, { status: { podIP } }, undefined, 'application/merge-patch+json');
      const { status, text } = await ask(`${pod}/proxy/`);
      assert.ok(status === 400 || status === 422, `${podIP}: ${status}`);
      if (status === 400) assert.match(text, /address not allowed/);
    }
  });

  test('of a node passes path and query on as they are', async () => {
    const { text } = await ask('/api/v1/nodes/n1/proxy/containerLogs/shop/web/app?tailLines=1');
    assert.equal(text, 'line 1\nline 2\n');
    assert.equal(seen[0]!.url, '/containerLogs/shop/web/app?tailLines=1');
    assert.equal(seen[0]!.headers['x-forwarded-uri'], '/api/v1/nodes/n1/proxy/containerLogs/shop/web/app');
  });
});
