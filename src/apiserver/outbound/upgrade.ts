// A request that asks its server to switch protocols: over a connection of its own, which nothing else ever uses.
import type { ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { dial, type OutboundRequest, type OutboundTarget } from './client.ts';

/** Not ended yet: listen to `upgrade`, `response` and `error`, then end it. @throws what resolving throws; DialRefusedError */
export function upgradeCall(target: OutboundTarget, request: Omit<OutboundRequest, 'body'>): ClientRequest {
  const { method, path, headers, signal } = request;
  const socket = dial(target);
  return httpsRequest({
    // No agent: with one, the socket given here would not be asked for.
    createConnection: () => socket,
    method,
    path,
    setHost: false,
    headers: { host: target.authority, ...headers },
    signal,
  });
}
