// Node's HTTP/1.1 and HTTP/2 requests in the shape the pipeline knows.
import type { ServerResponse as Http1Response, IncomingMessage } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { badRequest, entityTooLarge } from '../../api/meta/status-error.ts';
import type { Credentials } from '../authn/authenticator.ts';
import type { ServerRequest, ServerResponse, Upgrade } from './exchange.ts';
import type { IdentifyPeer } from './peer-certificate.ts';

type NodeRequest = IncomingMessage | Http2ServerRequest;
type NodeResponse = Http1Response | Http2ServerResponse;

const tooLarge = (maxBytes: number) => entityTooLarge(`Request entity too large: limit is ${maxBytes}`);

/** Hop-by-hop headers that HTTP/2 forbids. */
export const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** Asked once for each connection: HTTP/2 makes a stand-in of the socket for each request that asks. */
const addresses = new WeakMap<TLSSocket, string>();

export function addressOf(socket: TLSSocket | undefined): string {
  if (!socket) return '';
  let address = addresses.get(socket);
  if (address === undefined) {
    address = socket.remoteAddress ?? '';
    addresses.set(socket, address);
  }
  return address;
}

export function credentialsOf(
  { headers, rawHeaders }: Pick<ServerRequest, 'headers' | 'rawHeaders'>,
  peer: ReturnType<IdentifyPeer>,
): Credentials {
  const authorization = headers['authorization'];
  const bearer = typeof authorization === 'string' ? /^Bearer +(.*)$/is.exec(authorization)?.[1]?.trim() : undefined;
  return {
    ...(peer?.role === 'user' ? { certificate: peer } : {}),
    ...(peer?.role === 'front proxy' ? { frontProxy: { commonName: peer.commonName, rawHeaders } } : {}),
    ...(bearer === undefined ? {} : { bearerToken: bearer }),
  };
}

/** @throws StatusError 413, 400 when the client goes away */
export async function bodyOf(message: Readable, headers: ServerRequest['headers'], maxBytes: number) {
  const declared = headers['content-length'];
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  return new Promise<Uint8Array>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    message.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else {
        message.pause();
        reject(tooLarge(maxBytes));
      }
    });
    message.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    message.once('error', () => reject(badRequest('the request body broke off')));
    message.once('close', () => {
      if (!message.readableEnded) reject(badRequest('the request body broke off'));
    });
    if (message.readableEnded) resolve(new Uint8Array());
  });
}

export class NodeRequestAdapter implements ServerRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: ServerRequest['headers'];
  readonly signal: AbortSignal;
  readonly upgrade?: Upgrade;
  readonly #message: NodeRequest;
  readonly #identify: IdentifyPeer;

  constructor(message: NodeRequest, signal: AbortSignal, identify: IdentifyPeer, upgrade?: Upgrade) {
    this.#message = message;
    this.#identify = identify;
    this.method = message.method ?? 'GET';
    this.url = message.url ?? '/';
    this.headers = message.headers;
    this.signal = signal;
    if (upgrade) this.upgrade = upgrade;
  }

  get rawHeaders(): readonly string[] {
    return this.#message.rawHeaders;
  }

  get remoteAddress(): string {
    return addressOf(this.#socket());
  }

  credentials(): Credentials {
    return credentialsOf(this, this.#identify(this.#socket()));
  }

  #socket(): TLSSocket | undefined {
    const message = this.#message;
    const socket = 'stream' in message && message.stream?.session ? message.stream.session.socket : message.socket;
    return socket as TLSSocket | undefined;
  }

  body(maxBytes: number): Promise<Uint8Array> {
    return bodyOf(this.#message, this.headers, maxBytes);
  }

  bodyStream(): AsyncIterable<Uint8Array> {
    return this.#message as AsyncIterable<Uint8Array>;
  }
}

/** As long as a client has to read an answer that came before it had sent all. */
const lingerMs = 500;

/** To close while something is unread is to reset the connection, and that takes the answer from who still sends. */
function lingerWhileUnread({ req, socket }: Http1Response): void {
  if (req.complete || !socket) return;
  req.read(0); // else the rest would be read, to be thrown away, and what follows it served
  req.pause();
  socket.destroySoon = () => {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once('close', () => clearTimeout(timer));
  };
}

export class NodeResponseAdapter implements ServerResponse {
  readonly #response: NodeResponse;
  readonly #isHttp2: boolean;
  isClosed = false;
  /** The status sent, for logs and metrics; 0 before. */
  status = 0;

  constructor(response: NodeResponse, isHttp2: boolean) {
    this.#response = response;
    this.#isHttp2 = isHttp2;
    response.on('close', () => {
      this.isClosed = true;
    });
    response.on('error', () => {
      // The client is gone; `close` follows.
      this.isClosed = true;
    });
  }

  head(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void {
    this.status = status;
    if (this.isClosed) return;
    const sent: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (this.#isHttp2 && hopByHop.has(name)) continue;
      sent[name] = value as string | string[];
    }
    if (!this.#isHttp2 && sent['connection'] === 'close') lingerWhileUnread(this.#response as Http1Response);
    (this.#response as Http1Response).writeHead(status, sent);
    // A watch's client waits for the head, which would else go out with the first event.
    if (!('content-length' in headers)) (this.#response as Http1Response).flushHeaders?.();
  }

  write(chunk: Uint8Array, written?: () => void): boolean {
    if (this.isClosed) return true;
    if (!written) return (this.#response as Http1Response).write(chunk);
    return (this.#response as Http1Response).write(chunk, (error) => {
      if (!error) written();
    });
  }

  drained(): Promise<void> {
    if (this.isClosed || !this.#response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#response.removeListener('drain', done);
        this.#response.removeListener('close', done);
        resolve();
      };
      this.#response.on('drain', done);
      this.#response.on('close', done);
    });
  }

  end(chunk?: Uint8Array): void {
    if (this.isClosed) return;
    if (chunk) (this.#response as Http1Response).end(chunk);
    else (this.#response as Http1Response).end();
  }

  destroy(): void {
    this.isClosed = true;
    if (this.#isHttp2) (this.#response as Http2ServerResponse).stream?.close(2);
    else (this.#response as Http1Response).destroy();
  }
}
