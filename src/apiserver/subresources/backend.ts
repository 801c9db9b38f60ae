// Connections to what lies behind the API server: node agents, pods and services. The one outbound HTTP client here: a
// connection serves one request and is never used again, redirects are passed on and not followed, and nothing that
// identifies the caller goes out.
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { internalError, serviceUnavailable } from '../../api/meta/status-error.ts';
import type { Answer, BytesAnswer } from '../http/answer.ts';
import type { BodySink, ServerRequest } from '../http/exchange.ts';

export interface BackendTls {
  /** Who must have signed the certificate; absent: anybody, for pods and services, whose names mean nothing. */
  readonly ca?: string;
  /** Names of which the certificate must carry one. */
  readonly names?: readonly string[];
  /** Ours, to show to node agents. */
  readonly cert?: string;
  readonly key?: string;
}

export interface Backend {
  readonly host: string;
  readonly port: number;
  readonly tls?: BackendTls;
  /** Path and query, encoded. */
  readonly path: string;
}

const connectTimeoutMs = 10_000;
const errorBodyBytes = 64 << 10;

/** Never passed on: they are about the connection, or about who the caller is. */
const withheld = new Set([
  'authorization',
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function isWithheld(name: string): boolean {
  return withheld.has(name) || name.startsWith(':') || name.startsWith('impersonate-') || name.startsWith('x-remote-');
}

type Headers = Record<string, string | string[]>;

function passedOn(request: ServerRequest): Headers {
  const headers: Headers = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !isWithheld(name)) headers[name] = value;
  }
  headers['x-forwarded-for'] = [headers['x-forwarded-for'], request.remoteAddress].flat().filter(Boolean).join(', ');
  return headers;
}

function open(backend: Backend, options: RequestOptions): ClientRequest {
  const { host, port, path, tls } = backend;
  const common = { ...options, host, port, path, agent: false, setHost: false };
  const headers = {
    ...(options.headers as Headers),
    host: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
  };
  const call = tls ? httpsRequest({ ...common, headers, ...tlsOptions(tls) }) : httpRequest({ ...common, headers });
  call.setTimeout(connectTimeoutMs, () => call.destroy(new Error(`no answer from ${host}:${port}`)));
  call.once('socket', (socket) => {
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.setTimeout(0));
    socket.on('error', () => socket.destroy());
  });
  return call;
}

function tlsOptions({ ca, names = [], cert, key }: BackendTls) {
  const identity = cert && key ? { cert, key } : {};
  if (!ca) return { ...identity, rejectUnauthorized: false, servername: '' };
  return {
    ...identity,
    ca,
    servername: '',
    checkServerIdentity(_: string, certificate: PeerCertificate): Error | undefined {
      const problems = names.map((name) => checkServerIdentity(name, certificate));
      return problems.includes(undefined) ? undefined : problems[0];
    },
  };
}

const unreachable = (error: Error) => internalError(`error dialing backend: ${error.message}`, error);

/** A GET whose body is read as it comes. The signal ends it. @throws InternalError when there is no answer */
export function get(backend: Backend, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = open(backend, { method: 'GET', signal });
    call.once('response', resolve);
    call.once('error', (error) => reject(unreachable(error)));
    call.end();
  });
}

/** The beginning of a body, as text: for error messages. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= errorBodyBytes) break;
  }
  response.destroy();
  return Buffer.concat(chunks).toString().slice(0, errorBodyBytes);
}

/** Copies a body into an answer, no faster than its reader reads. */
export async function copyBody(from: IncomingMessage, sink: BodySink): Promise<void> {
  try {
    for await (const chunk of from) {
      if (sink.isClosed) return;
      if (!sink.write(chunk)) await sink.drained();
    }
  } finally {
    from.destroy();
  }
}

/** Passes a request on and its answer back; an upgrade becomes a tunnel. */
export function forward(request: ServerRequest, backend: Backend, extra: Headers = {}): Promise<Answer> {
  return request.upgrade ? tunnel(request, backend, extra) : relay(request, backend, extra);
}

function relay(request: ServerRequest, backend: Backend, extra: Headers): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { ...passedOn(request), ...extra };
    const call = open(backend, { method: request.method, headers, signal: request.signal });
    call.once('response', (response) => resolve(relayed(response)));
    call.once('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${error.message}`)));
    void sendBody(request, call);
  });
}

async function sendBody(request: ServerRequest, call: ClientRequest): Promise<void> {
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      for await (const chunk of request.bodyStream()) {
        if (call.destroyed) return;
        if (!call.write(chunk)) await new Promise((resolve) => call.once('drain', resolve).once('close', resolve));
      }
    }
    call.end();
  } catch (error) {
    call.destroy(error as Error);
  }
}

function relayed(response: IncomingMessage): Answer {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !isWithheld(name) && name !== 'content-length' && name !== 'content-type')
      headers[name] = value;
  }
  const length = response.headers['content-length'];
  return {
    type: 'stream',
    status: response.statusCode ?? 502,
    contentType: response.headers['content-type'] ?? 'application/octet-stream',
    ...(length === undefined ? {} : { lengthBytes: Number(length) }),
    headers,
    isLive: true,
    write: (sink) => copyBody(response, sink),
  };
}

/** What of an upgrade's headers concerns the protocol that is switched to. */
function upgradeHeaders(request: ServerRequest): Headers {
  const headers: Headers = { connection: 'Upgrade', upgrade: protocolOf(request) };
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined) continue;
    if (name.startsWith('sec-websocket-') && name !== 'sec-websocket-protocol') headers[name] = value;
    if (name === 'x-stream-protocol-version') headers[name] = value;
  }
  const protocols = withoutToken(request.headers['sec-websocket-protocol']);
  if (protocols) headers['sec-websocket-protocol'] = protocols;
  return headers;
}

/** Browsers put their token among the protocols: it is for us alone. */
function withoutToken(protocols: string | string[] | undefined): string {
  const names = [protocols ?? []].flat().flatMap((each) => each.split(','));
  return names
    .map((name) => name.trim())
    .filter((name) => name && !name.startsWith('base64url.bearer.'))
    .join(', ');
}

const protocolOf = (request: ServerRequest) => String(request.headers['upgrade'] ?? '');

function tunnel(request: ServerRequest, backend: Backend, extra: Headers): Promise<Answer> {
  const { socket, head } = request.upgrade!;
  return new Promise((resolve, reject) => {
    const headers = { ...passedOn(request), ...upgradeHeaders(request), ...extra };
    const call = open(backend, { method: request.method, headers });
    const abandon = () => call.destroy();
    socket.once('close', abandon);
    call.once('upgrade', (response, behind, early) => {
      socket.removeListener('close', abandon);
      const isRight =
        response.statusCode === 101 && response.headers.upgrade?.toLowerCase() === protocolOf(request).toLowerCase();
      if (!isRight || socket.destroyed) {
        behind.destroy();
        reject(internalError('the backend switched to another protocol'));
        return;
      }
      socket.write(switchingHead(response));
      if (early.length > 0) socket.write(early);
      if (head.length > 0) behind.write(head);
      splice(socket, behind);
      resolve({ type: 'taken' });
    });
    call.once('response', (response) => {
      socket.removeListener('close', abandon);
      refusal(response).then(resolve, reject);
    });
    call.once('error', (error) => {
      socket.removeListener('close', abandon);
      reject(unreachable(error));
    });
    call.end();
  });
}

/** The backend's no, in its own words. */
async function refusal(response: IncomingMessage): Promise<BytesAnswer> {
  const contentType = response.headers['content-type'] ?? 'text/plain; charset=utf-8';
  const status = response.statusCode ?? 502;
  return {
    type: 'bytes',
    status: status >= 300 ? status : 502,
    contentType,
    body: Buffer.from(await readText(response)),
  };
}

function switchingHead({ rawHeaders }: IncomingMessage): string {
  const lines = ['HTTP/1.1 101 Switching Protocols'];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Bytes pass both ways; the end of one side is the end of both. */
function splice(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  const end = () => {
    a.destroy();
    b.destroy();
  };
  for (const side of [a, b]) side.once('error', end).once('close', end);
}
