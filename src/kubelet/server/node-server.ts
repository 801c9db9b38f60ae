// The node API on port 10250: who asks is known by a client certificate, what is asked by its path; each action is
// authorized on its own.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Pod } from '../../../generated/core-v1.ts';
import type { PodServices } from '../pods/pod-services.ts';
import { newestContainer } from '../pods/runtime-tracker.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import { UpgradeRefused } from '../streaming/upgrade.ts';
import type { LocalVolumes } from '../volumes/local-volumes.ts';
import { findPod, NodeApiError, runningContainer } from './find-container.ts';
import { renderMetrics } from './metrics.ts';
import { missedOutput } from './missed-output.ts';
import { command, type NodeRequest, parseNodeRequest, streamOptions, subresources } from './node-request.ts';
import { serveLogs } from './serve-logs.ts';
import { statsSummary } from './stats-summary.ts';

export interface NodeServerTls {
  readonly cert: string;
  readonly key: string;
  /** Signs those who may come at all. */
  readonly clientCa: string;
}

export interface NodeCaller {
  readonly username: string;
  readonly groups: readonly string[];
}

export interface NodeAttributes {
  readonly user: NodeCaller;
  /** get, or create for what changes something. */
  readonly verb: 'get' | 'create' | 'delete';
  /** `log`, `exec`, `attach`, `portforward`, `stats`, `metrics`, `pods`, … */
  readonly subresource: string;
  readonly path: string;
}

/** Whether this caller may do this to the node. */
export type NodeAuthorize = (attributes: NodeAttributes) => boolean | Promise<boolean>;

export interface NodeServerOptions {
  readonly address: string;
  readonly port: number;
  readonly tls: NodeServerTls;
  readonly nodeName: string;
  readonly services: PodServices;
  readonly pods: () => readonly Pod[];
  readonly logDir: string;
  readonly localVolumes: LocalVolumes;
  readonly authorize?: NodeAuthorize;
}

export interface NodeServer extends AsyncDisposable {
  readonly port: number;
}

/** The names that API servers use towards nodes. */
const apiServerNames: ReadonlySet<string> = new Set([
  'kube-apiserver-kubelet-client',
  'system:kube-apiserver',
  'kube-apiserver',
]);

export const authorizeApiServer: NodeAuthorize = ({ user }) =>
  user.groups.includes('system:masters') || apiServerNames.has(user.username);

export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const { cert, key, clientCa } = options.tls;
  const server = createServer({
    cert,
    key,
    ca: clientCa,
    requestCert: true,
    rejectUnauthorized: false, // health is for everybody; all else asks who it is
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
  server.on('request', (request, response) => void answer(options, request, response));
  server.on('upgrade', (request, socket, head) => void upgrade(options, request, socket, head));
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

function callerOf(request: IncomingMessage): NodeCaller | undefined {
  const socket = request.socket as TLSSocket;
  if (!socket.authorized) return undefined;
  const { CN, O } = socket.getPeerCertificate().subject as { CN?: string; O?: string | string[] };
  return CN ? { username: CN, groups: O === undefined ? [] : [O].flat() } : undefined;
}

/** @throws NodeApiError for a path, a caller or a wish that is not allowed. */
async function admit(options: NodeServerOptions, request: IncomingMessage): Promise<NodeRequest> {
  const parsed = parseNodeRequest(request.url ?? '/');
  if (!parsed) throw new NodeApiError(404, '404 page not found');
  if (parsed.action === 'healthz') return parsed;
  const user = callerOf(request);
  if (!user) throw new NodeApiError(401, 'Unauthorized');
  const subresource = subresources[parsed.action];
  const verb = verbs[subresource] ?? 'get';
  const path = new URL(request.url ?? '/', 'https://node').pathname;
  if (!(await (options.authorize ?? authorizeApiServer)({ user, verb, subresource, path })))
    throw new NodeApiError(
      403,
      `Forbidden (user=${user.username}, verb=${verb}, resource=nodes, subresource=[${subresource}])`,
    );
  return parsed;
}

async function answer(options: NodeServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const parsed = await admit(options, request);
    await handlers[parsed.action]?.(options, parsed, response, gone.signal);
    if (!handlers[parsed.action]) throw new NodeApiError(400, 'Upgrade request required');
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    const { status, message } = describe(error);
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
    response.end(`${message}\n`);
  }
}

function describe(error: unknown): { status: number; message: string } {
  if (error instanceof NodeApiError || error instanceof UpgradeRefused)
    return { status: error.status, message: error.message };
  return { status: 500, message: rpcErrorText(error) };
}

type Handler = (
  options: NodeServerOptions,
  request: NodeRequest,
  response: ServerResponse,
  signal: AbortSignal,
) => Promise<void>;

const json = (response: ServerResponse, body: unknown): void => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

const verbs: Readonly<Record<string, NodeAttributes['verb']>> = {
  exec: 'create',
  attach: 'create',
  portforward: 'create',
  localvolumes: 'delete',
};

/** What needs no upgrade; the others are in `upgrade`. */
const handlers: Partial<Record<NodeRequest['action'], Handler>> = {
  healthz: async (_, __, response) => void response.end('ok'),
  pods: async ({ pods }, _, response) =>
    json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods() }),
  stats: async ({ nodeName, services, pods, logDir }, _, response) =>
    json(response, await statsSummary({ nodeName, services, pods: pods(), dataDir: logDir })),
  async metrics({ services }, _, response) {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(renderMetrics(services));
  },
  configz: async ({ port }, _, response) =>
    json(response, {
      kubeletconfig: { port, kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1' },
    }),
  async localVolumes({ localVolumes }, { volume }, response) {
    if (response.req.method !== 'DELETE') throw new NodeApiError(405, 'volumes are only deleted here');
    await localVolumes.remove(volume);
    json(response, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
  },
  logs: ({ services, pods }, request, response, signal) =>
    serveLogs(services, findPod(pods(), request.namespace, request.pod), request, response, signal),
  async run({ services, pods }, request, response) {
    const record = runningContainer(services, findPod(pods(), request.namespace, request.pod), request.container);
    const argv = request.query.get('cmd')?.split(' ') ?? command(request.query);
    const { stdout, stderr, exitCode } = await services.runtime.execSync(record.id, argv, 60);
    const output = Buffer.concat([stdout, stderr]);
    if (exitCode !== 0)
      throw new NodeApiError(500, `command '${argv.join(' ')}' exited with ${exitCode}: ${output.toString()}`);
    response.end(output);
  },
};

/** Exec, attach and port-forward: the client's protocol decides how it is joined with the runtime's. */
async function upgrade(
  options: NodeServerOptions,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  try {
    const parsed = await admit(options, request);
    const protocol = request.headers.upgrade?.toLowerCase();
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

function missedBy({ services, pods }: NodeServerOptions, { namespace, pod, container, query }: NodeRequest) {
  const { uid } = findPod(pods(), namespace, pod).metadata;
  const record = newestContainer(services.tracker.stateOf(uid!), container);
  return record && missedOutput(services, record, streamOptions(query));
}

async function streamUrl(
  { services, pods }: NodeServerOptions,
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
