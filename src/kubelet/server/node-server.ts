// The node API on port 10250: who asks is known by a certificate or a token, what is asked by its path; each action is authorized on
// its own.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { newestContainer } from '../pods/runtime-tracker.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import { UpgradeRefused } from '../streaming/upgrade.ts';
import { callerByCertificate, type NodeAuthenticate } from './authenticate.ts';
import { authorizeApiServer, type NodeAuthorize, subresourcesOf, verbOf } from './authorize.ts';
import { findPod, NodeApiError, runningContainer } from './find-container.ts';
import { handlers, methods, type ServedNode, type ServedParts } from './handlers.ts';
import { missedOutput } from './missed-output.ts';
import { command, type NodeRequest, parseNodeRequest, streamOptions } from './node-request.ts';
import { FolderSizes } from './stats/file-system.ts';
import { NodeReader } from './stats/node-reading.ts';

export interface NodeServerTls {
  readonly cert: string;
  readonly key: string;
  /** Signs those who may come by certificate. */
  readonly clientCa: string;
}

export interface NodeServerOptions extends ServedNode {
  readonly address: string;
  readonly port: number;
  readonly tls: NodeServerTls;
  /** Default: client certificates alone. */
  readonly authenticate?: NodeAuthenticate;
  /** Default: `system:masters` and the API server. */
  readonly authorize?: NodeAuthorize;
}

type Served = NodeServerOptions & ServedParts;

export interface NodeServer extends AsyncDisposable {
  readonly port: number;
}

export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const { cert, key, clientCa } = options.tls;
  const server = createServer({
    cert,
    key,
    ca: clientCa,
    requestCert: true,
    rejectUnauthorized: false, // tokens are good as well
    minVersion: 'TLSv1.2',
    requestTimeout: 60_000,
    headersTimeout: 10_000,
  });
  const sockets = new Set<Duplex>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (_, socket) => socket.destroy());
  const { services, pods, podsGroup } = options;
  const served: Served = {
    ...options,
    reader: new NodeReader({ services, pods, podsGroup }),
    folders: new FolderSizes(services.clock),
    startedMs: services.clock.now(),
  };
  server.on('request', (request, response) => void answer(served, request, response));
  server.on('upgrade', (request, socket, head) => void upgrade(served, request, socket, head));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.address, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** @throws NodeApiError for a caller, a path or a wish that is not allowed. */
async function admit(options: Served, request: IncomingMessage): Promise<NodeRequest> {
  const authenticate = options.authenticate ?? (async (each) => callerByCertificate(each));
  const user = await authenticate(request).catch((error) => {
    options.services.log.warn('a caller of the node API could not be identified', { problem: String(error) });
    return undefined;
  });
  if (!user) throw new NodeApiError(401, 'Unauthorized');
  const { pathname } = new URL(request.url ?? '/', 'https://node');
  const verb = verbOf(request.method ?? 'GET', pathname);
  const subresources = subresourcesOf(pathname);
  let isAllowed = false;
  for (const subresource of subresources) {
    const attributes = { user, verb, subresource, path: pathname };
    isAllowed ||= await Promise.resolve((options.authorize ?? authorizeApiServer)(attributes)).catch((error) => {
      options.services.log.warn('whether a caller may use the node API was not found out', { problem: String(error) });
      const of = `user=${user.username}, verb=${verb}, resource=nodes, subresource=${subresource}`;
      throw new NodeApiError(500, `Authorization error (${of})`);
    });
  }
  if (!isAllowed)
    throw new NodeApiError(
      403,
      `Forbidden (user=${user.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])`,
    );
  const parsed = parseNodeRequest(request.url ?? '/');
  if (!parsed) throw new NodeApiError(404, '404 page not found');
  const allowed = methods[parsed.action] ?? ['GET'];
  if (!allowed.includes(request.method === 'HEAD' ? 'GET' : (request.method ?? '')))
    throw new NodeApiError(405, '405: Method Not Allowed');
  return parsed;
}

async function answer(options: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { clock } = options.services;
  const begunMs = clock.monotonicMs();
  let path = '';
  try {
    const parsed = await admit(options, request);
    path = bucketOf(request.url ?? '/');
    const handler = handlers[parsed.action];
    if (!handler) throw new NodeApiError(400, 'Upgrade request required');
    await handler(options, parsed, response, gone.signal);
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    const { status, message } = describe(error);
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
    response.end(`${message}\n`);
  } finally {
    if (path !== '') {
      const labels = { long_running: 'false', method: request.method ?? '', path, server_type: 'readwrite' };
      options.figures.httpRequests.add(labels);
      options.figures.httpDuration.observe((clock.monotonicMs() - begunMs) / 1000, labels);
    }
  }
}

/** `metrics/cadvisor`, `stats`: of a request that was let in, so there is no end of names that nobody made. */
function bucketOf(url: string): string {
  const [first = '', second] = new URL(url, 'https://node').pathname.split('/').slice(1);
  return first === 'metrics' && second ? `${first}/${second}` : first;
}

function describe(error: unknown): { status: number; message: string } {
  if (error instanceof NodeApiError || error instanceof UpgradeRefused)
    return { status: error.status, message: error.message };
  return { status: 500, message: rpcErrorText(error) };
}

/** Exec, attach and port-forward: the client's protocol decides how it is joined with the runtime's. */
async function upgrade(options: Served, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  try {
    const parsed = await admit(options, request);
    const protocol = request.headers.upgrade?.toLowerCase();
    const subresource = parsed.action.toLowerCase();
    if (protocol === 'websocket') options.figures.streamingRequests.add({ subresource });
    if (protocol === 'spdy/3.1') {
      const { passSpdyThrough } = await import('../streaming/spdy-passthrough.ts');
      return await passSpdyThrough(request, socket, head, await streamUrl(options, parsed));
    }
    if (protocol !== 'websocket') throw new NodeApiError(400, `unable to upgrade: unsupported protocol "${protocol}"`);
    const { joinChannels, joinTunnel } = await import('../streaming/web-socket-streams.ts');
    const url = () => streamUrl(options, parsed);
    if (parsed.action === 'portForward') return await joinTunnel(request, socket, head, await url());
    const missed = parsed.action === 'attach' ? missedBy(options, parsed) : undefined;
    const streams = streamOptions(parsed.query);
    await joinChannels({ request, socket, head, url, options: streams, ...(missed ? { missed } : {}) });
  } catch (error) {
    const { status, message } = describe(error);
    const body = Buffer.from(`${message}\n`);
    const lines = [
      `HTTP/1.1 ${status} Error`,
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${body.length}`,
      'Connection: close',
    ];
    socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]));
  }
}

function missedBy({ services, pods }: ServedNode, { namespace, pod, container, query }: NodeRequest) {
  const { uid } = findPod(pods(), namespace, pod).metadata;
  const record = newestContainer(services.tracker.stateOf(uid!), container);
  return record && missedOutput(services, record, streamOptions(query));
}

async function streamUrl(
  { services, pods }: ServedNode,
  { action, namespace, pod: name, container, query }: NodeRequest,
): Promise<string> {
  const pod = findPod(pods(), namespace, name);
  const { runtime, tracker } = services;
  if (action === 'portForward') {
    const sandbox = tracker.stateOf(pod.metadata.uid!).sandboxes[0];
    if (sandbox?.state !== 'SANDBOX_READY') throw new NodeApiError(404, `pod not found ("${name}_${namespace}")`);
    return runtime.portForwardUrl(sandbox.id, query.getAll('port').map(Number));
  }
  const options = streamOptions(query);
  if (!options.stdin && !options.stdout && !options.stderr)
    throw new NodeApiError(400, 'you must specify at least 1 of stdin, stdout, stderr');
  const record = runningContainer(services, pod, container);
  if (action === 'attach') return runtime.attachUrl(record.id, options);
  if (action === 'exec') return runtime.execUrl(record.id, command(query), options);
  throw new NodeApiError(400, 'this path takes no upgrade');
}
