// Connections to what lies behind the API server: node agents, pods and services. A connection serves one request and is
// never used again, and redirects are passed on and not followed.
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { serviceUnavailable } from '../../api/meta/status-error.ts';
import type { Answer } from '../http/answer.ts';
import type { ServerRequest } from '../http/exchange.ts';
import { transportError } from '../outbound/transport-error.ts';
import { bodyOf, type Headers, passedOn, relayed, upgradeHeaders } from './passed-on.ts';
import { tunnel, unreachable } from './tunnel.ts';

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

/** `host:port`, as a URL has it. */
export const authorityOf = ({ host, port }: Pick<Backend, 'host' | 'port'>): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function open(backend: Backend, options: RequestOptions): ClientRequest {
  const { host, port, path, tls } = backend;
  const common = { ...options, host, port, path, agent: false, setHost: false };
  const headers = {
    host: authorityOf(backend),
    ...(options.headers as Headers),
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

/** A GET whose body is read as it comes. The signal ends it. @throws InternalError when there is no answer */
export function get(backend: Backend, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = open(backend, { method: 'GET', signal });
    call.once('response', resolve);
    call.once('error', (error) => reject(unreachable(error)));
    call.end();
  });
}

/** Passes a request on and its answer back; an upgrade becomes a tunnel. */
export function forward(
  request: ServerRequest,
  backend: Backend,
  extra: Headers = {},
  read: (response: IncomingMessage) => Answer = relayed,
): Promise<Answer> {
  if (!request.upgrade) return relay(request, backend, extra, read);
  const headers = { ...passedOn(request), ...upgradeHeaders(request), ...extra };
  return tunnel(request, open(backend, { method: request.method, headers }));
}

function relay(
  request: ServerRequest,
  backend: Backend,
  extra: Headers,
  read: (response: IncomingMessage) => Answer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { ...passedOn(request), ...extra };
    const call = open(backend, { method: request.method, headers, signal: request.signal });
    call.once('response', (response) => resolve(read(response)));
    call.once('error', (error) =>
      reject(serviceUnavailable(`error trying to reach service: ${transportError(error, request.signal).message}`)),
    );
    void sendBody(request, call);
  });
}

async function sendBody(request: ServerRequest, call: ClientRequest): Promise<void> {
  try {
    for await (const chunk of bodyOf(request) ?? []) {
      if (call.destroyed) return;
      if (!call.write(chunk)) await new Promise((resolve) => call.once('drain', resolve).once('close', resolve));
    }
    call.end();
  } catch (error) {
    call.destroy(error as Error);
  }
}
