// A request to a group version that somebody else serves is passed on, with who asked in its headers.
import { StatusError } from '../../api/meta/status-error.ts';
import { linkSignal } from '../../base/signals.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import { type Answer, textAnswer } from '../http/answer.ts';
import type { ServerRequest } from '../http/exchange.ts';
import type { OutboundClient } from '../outbound/client.ts';
import { TransportError } from '../outbound/transport-error.ts';
import { upgradeCall } from '../outbound/upgrade.ts';
import { bodyOf, type Headers, passedOn, relayed, upgradeHeaders } from '../subresources/passed-on.ts';
import { tunnel } from '../subresources/tunnel.ts';
import { callerHeaders } from './caller-headers.ts';
import type { Route } from './routes.ts';

export interface ProxiedRequest {
  readonly http: ServerRequest;
  readonly user: UserInfo;
  /** Of the request, kept or made. */
  readonly auditId: string;
  /** Discovery documents are small: whoever takes long has failed. */
  readonly isDiscovery: boolean;
}

const discoveryTimeoutMs = 5_000;

/** In plain text, as Go's `http.Error` writes it. */
const plain = (status: number, text: string) =>
  textAnswer(status, `${text}\n`, { 'x-content-type-options': 'nosniff' });

/** Never rejects for what the other side did. */
export async function proxyTo(route: Route, client: OutboundClient, request: ProxiedRequest): Promise<Answer> {
  if (!route.isAvailable) return plain(503, 'service unavailable');
  try {
    route.target.resolve();
  } catch {
    return plain(503, 'service unavailable');
  }
  try {
    return await (request.http.upgrade ? upgraded(route, request) : passed(route, client, request));
  } catch (error) {
    if (error instanceof TransportError) return plain(503, `error trying to reach service: ${error.message}`);
    if (error instanceof StatusError && error.code >= 500) return plain(503, error.message);
    throw error;
  }
}

function headersFor(route: Route, { http, user, auditId }: ProxiedRequest): Headers {
  return {
    ...passedOn(http),
    ...callerHeaders(user),
    ...(auditId ? { 'Audit-Id': auditId } : {}),
    'x-forwarded-host': route.target.authority,
    'x-forwarded-uri': http.url.split('?', 1)[0]!,
    'x-forwarded-proto': 'https',
  };
}

async function passed(route: Route, client: OutboundClient, request: ProxiedRequest): Promise<Answer> {
  const { http } = request;
  using deadline = linkSignal([http.signal], request.isDiscovery ? discoveryTimeoutMs : undefined);
  const abandon = deadline.signal;
  const response = await client.send(route.target, {
    method: http.method,
    path: http.url,
    headers: withoutAuditTwice(headersFor(route, request)),
    body: bodyOf(http),
    signal: abandon,
  });
  const status = response.statusCode ?? 502;
  if (status >= 300 && status < 400 && response.headers.location) {
    response.destroy();
    return plain(502, 'the backend attempted to redirect this request, which is not permitted');
  }
  // The link ends with this call; what is read from here on ends with the request itself.
  const stop = () => response.destroy();
  http.signal.addEventListener('abort', stop, { once: true });
  response.once('close', () => http.signal.removeEventListener('abort', stop));
  return relayed(response);
}

async function upgraded(route: Route, request: ProxiedRequest): Promise<Answer> {
  const { http } = request;
  const headers = { ...headersFor(route, request), ...upgradeHeaders(http) };
  const call = upgradeCall(route.target, {
    method: http.method,
    path: http.url,
    headers: withoutAuditTwice(headers),
    signal: http.signal,
  });
  return tunnel(http, call);
}

/** The client's own header is in lower case. */
function withoutAuditTwice(headers: Headers): Headers {
  const { 'audit-id': _theirs, ...rest } = headers;
  return rest;
}
