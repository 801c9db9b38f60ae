// The one way in which the API server calls others by HTTP: webhooks, aggregated servers, conversions. TLS only, no
// redirects followed (an answer is an answer), sizes bounded, connections kept and used again.
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, type PeerCertificate, connect as tlsConnect } from 'node:tls';
import { type DialPolicy, DialRefusedError, guardedLookup, mayDial } from './dial-policy.ts';
import type { HostPort } from './service-address.ts';
import { TransportError, transportError, verifyProblem } from './transport-error.ts';

export interface OutboundTls {
  /** The name that the certificate must carry: `NAME.NAMESPACE.svc`, or an address. */
  readonly serverName: string;
  /** PEM. Absent: the authorities that Node trusts. */
  readonly ca?: string;
  /** Our own certificate, PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** Takes any certificate: APIServices that say so. */
  readonly skipsVerification?: boolean;
}

export interface OutboundTarget {
  /** `NAME.NAMESPACE.svc:443`: goes out as `Host`. */
  readonly authority: string;
  readonly tls: OutboundTls;
  readonly policy: DialPolicy;
  /** Where a new connection goes; asked for each of them, so that endpoints may come and go. */
  resolve(): HostPort;
}

export interface OutboundRequest {
  readonly method: string;
  /** Path and query, encoded. */
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  /** A stream is passed on as it comes; it makes the request one that cannot be tried again. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Ends the request, and the answer while it is read. */
  readonly signal: AbortSignal;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const dialTimeoutMs = 30_000;
const idleMs = 90_000;
const maxSockets = 256;
const maxFreeSockets = 64;
const maxTargets = 200;

export class OutboundClient implements Disposable {
  /** By target; the one used longest ago goes first. */
  readonly #agents = new Map<string, TargetAgent>();

  /** Settles with the head of the answer. The caller must read or destroy its body. @throws TransportError */
  async send(target: OutboundTarget, request: OutboundRequest): Promise<IncomingMessage> {
    const { signal, body } = request;
    const mayRetry = body === undefined || body instanceof Uint8Array;
    for (;;) {
      const attempt = { wasReused: false };
      try {
        signal.throwIfAborted();
        return await once(this.#agentFor(target), target, request, attempt);
      } catch (error) {
        // The other side closed a connection that was kept: nothing of the request was looked at.
        const code = (error as { code?: string }).code;
        if (mayRetry && attempt.wasReused && (code === 'ECONNRESET' || code === 'EPIPE') && !signal.aborted) continue;
        throw transportError(error, signal);
      }
    }
  }

  /** The whole answer. @throws TransportError, also for a body larger than `maxBytes` */
  async exchange(target: OutboundTarget, request: OutboundRequest, maxBytes: number): Promise<OutboundAnswer> {
    const response = await this.send(target, request);
    const body = await readBody(response, maxBytes, request.signal);
    return { status: response.statusCode ?? 0, headers: response.headers, body };
  }

  #agentFor(target: OutboundTarget): TargetAgent {
    const key = JSON.stringify([target.authority, target.policy, target.tls]);
    let agent = this.#agents.get(key);
    if (agent) this.#agents.delete(key);
    else agent = new TargetAgent(target);
    // What is in use answers to the newest description: it resolves by the state of today.
    agent.target = target;
    this.#agents.set(key, agent);
    if (this.#agents.size > maxTargets) {
      const [oldest, old] = this.#agents.entries().next().value!;
      this.#agents.delete(oldest);
      old.retire();
    }
    return agent;
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }
}

type CreateConnection = Agent['createConnection'];

/** Connections to one target. */
class TargetAgent extends Agent {
  target: OutboundTarget;

  constructor(target: OutboundTarget) {
    super({ keepAlive: true, maxSockets, maxFreeSockets, timeout: idleMs, scheduling: 'lifo' });
    this.target = target;
  }

  /** Lets what is under way end. */
  retire(): void {
    this.maxFreeSockets = 0;
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  override createConnection: CreateConnection = (_options, callback) => {
    try {
      return dial(this.target);
    } catch (error) {
      process.nextTick(() => (callback as ((error: unknown) => void) | undefined)?.(error));
      return undefined;
    }
  };
}

/** @throws what resolving throws; DialRefusedError */
export function dial({ tls, policy, resolve }: OutboundTarget): Duplex {
  const { host, port } = resolve();
  if (isIP(host) && !mayDial(host, policy)) throw new DialRefusedError(host);
  const { serverName, ca, cert, key, skipsVerification = false } = tls;
  const socket = tlsConnect({
    host,
    port,
    lookup: guardedLookup(policy),
    servername: isIP(serverName) ? '' : serverName,
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    // As in Go: whatever certificate is named is trusted, also one that has not signed itself.
    allowPartialTrustChain: true,
    ...(cert && key ? { cert, key } : {}),
    rejectUnauthorized: !skipsVerification,
    checkServerIdentity: (_, certificate) => identityProblem(serverName, certificate),
  });
  socket.setTimeout(dialTimeoutMs, () => socket.destroy(new TransportError('net/http: TLS handshake timeout')));
  socket.once('secureConnect', () => socket.setTimeout(0));
  return socket;
}

function identityProblem(name: string, certificate: PeerCertificate): Error | undefined {
  const names = certificate.subjectaltname;
  if (!names)
    return new TransportError(`${verifyProblem}certificate relies on legacy Common Name field, use SANs instead`);
  if (!checkServerIdentity(name, certificate)) return undefined;
  const kind = isIP(name) ? 'IP Address:' : 'DNS:';
  const carried = names.split(', ').filter((each) => each.startsWith(kind));
  const list = carried.map((each) => each.slice(kind.length)).join(', ');
  const what = isIP(name)
    ? list
      ? `certificate is valid for ${list}, not ${name}`
      : `cannot validate certificate for ${name} because it doesn't contain any IP SANs`
    : list
      ? `certificate is valid for ${list}, not ${name}`
      : `certificate is not valid for any names, but wanted to match ${name}`;
  return new TransportError(`${verifyProblem}${what}`);
}

function once(
  agent: TargetAgent,
  target: OutboundTarget,
  { method, path, headers, body, signal }: OutboundRequest,
  attempt: { wasReused: boolean },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sized = body instanceof Uint8Array ? { 'content-length': body.length } : {};
    const call = httpsRequest({
      agent,
      method,
      path,
      setHost: false,
      headers: { host: target.authority, ...headers, ...sized },
      signal,
    });
    call.once('response', resolve);
    call.on('error', (error) => {
      attempt.wasReused = call.reusedSocket;
      reject(error);
    });
    // Nobody asked for it.
    call.once('upgrade', (_, socket) => {
      socket.destroy();
      reject(new TransportError('the server switched to another protocol'));
    });
    if (body === undefined || body instanceof Uint8Array) call.end(body);
    else pour(body, call).catch((error) => call.destroy(error));
  });
}

async function pour(body: AsyncIterable<Uint8Array>, call: ReturnType<typeof httpsRequest>): Promise<void> {
  for await (const chunk of body) {
    if (call.destroyed) return;
    if (!call.write(chunk)) await new Promise<void>((resolve) => call.once('drain', resolve).once('close', resolve));
  }
  call.end();
}

async function readBody(response: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const abandon = () => response.destroy();
  signal.addEventListener('abort', abandon, { once: true });
  try {
    for await (const chunk of response) {
      size += (chunk as Buffer).length;
      if (size > maxBytes) {
        response.destroy();
        throw new TransportError(`the response is larger than ${maxBytes} bytes`, { hasAnswer: true });
      }
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    const problem = transportError(error, signal);
    if (problem === error) throw problem;
    const original = (error as { code?: string }).code === 'ECONNRESET' ? 'unexpected EOF' : problem.message;
    const message = `unexpected error when reading response body. Please retry. Original error: ${signal.aborted ? problem.message : original}`;
    throw new TransportError(message, { cause: error, isCanceled: problem.isCanceled, hasAnswer: true });
  } finally {
    signal.removeEventListener('abort', abandon);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
