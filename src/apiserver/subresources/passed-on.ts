// What of a request's headers goes on to whoever serves it, and what of theirs comes back. Nothing that identifies the
// caller goes out.
import type { IncomingMessage } from 'node:http';
import type { StreamAnswer } from '../http/answer.ts';
import type { BodySink, ServerRequest } from '../http/exchange.ts';

export type Headers = Record<string, string | string[]>;

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

/** Who may read answers is for this server to say, not for those behind it. */
const withheldFromAnswers = new Set([
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'content-length',
  'content-type',
]);

function isWithheld(name: string): boolean {
  return withheld.has(name) || name.startsWith(':') || name.startsWith('impersonate-') || name.startsWith('x-remote-');
}

export function passedOn(request: ServerRequest): Headers {
  const headers: Headers = {};
  const named = new Set(connectionNames(request));
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !isWithheld(name) && !named.has(name)) headers[name] = value;
  }
  const forwardedFor = [headers['x-forwarded-for'], request.remoteAddress].flat().filter(Boolean).join(', ');
  if (forwardedFor) headers['x-forwarded-for'] = forwardedFor;
  return headers;
}

/** Headers that `Connection` says are for this connection only. */
function connectionNames({ headers }: ServerRequest): string[] {
  return [headers['connection'] ?? []]
    .flat()
    .flatMap((each) => each.split(',').map((name) => name.trim().toLowerCase()));
}

export const protocolOf = (request: ServerRequest) => String(request.headers['upgrade'] ?? '');

/** What of an upgrade's headers concerns the protocol that is switched to. */
export function upgradeHeaders(request: ServerRequest): Headers {
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

/** A request's body for whoever serves it; undefined where there is none. */
export function bodyOf(request: ServerRequest): AsyncIterable<Uint8Array> | undefined {
  const hasNone = request.method === 'GET' || request.method === 'HEAD' || request.headers['content-length'] === '0';
  return hasNone ? undefined : request.bodyStream();
}

export function headersOf(response: IncomingMessage): Headers {
  const headers: Headers = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !isWithheld(name) && !withheldFromAnswers.has(name)) headers[name] = value;
  }
  return headers;
}

/** An answer, handed on as it comes. */
export function relayed(response: IncomingMessage): StreamAnswer {
  const length = response.headers['content-length'];
  return {
    type: 'stream',
    status: response.statusCode ?? 502,
    contentType: response.headers['content-type'] ?? '',
    ...(length === undefined ? {} : { lengthBytes: Number(length) }),
    headers: headersOf(response),
    isLive: true,
    write: (sink) => copyBody(response, sink),
  };
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
