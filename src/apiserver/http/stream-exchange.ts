// HTTP/2 streams as they are, in the shape the pipeline knows: the requests and answers that Node makes of them, so that they
// look like those of HTTP/1.1, are a tenth of what a small request costs.
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Credentials } from '../authn/authenticator.ts';
import type { ServerRequest, ServerResponse } from './exchange.ts';
import { addressOf, bodyOf, credentialsOf, hopByHop } from './node-exchange.ts';
import type { IdentifyPeer } from './peer-certificate.ts';

export class StreamRequest implements ServerRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: ServerRequest['headers'];
  readonly rawHeaders: readonly string[];
  readonly signal: AbortSignal;
  readonly #stream: ServerHttp2Stream;
  readonly #identify: IdentifyPeer;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
    signal: AbortSignal,
    identify: IdentifyPeer,
  ) {
    this.#stream = stream;
    this.#identify = identify;
    this.method = String(headers[':method'] ?? 'GET');
    this.url = String(headers[':path'] ?? '/');
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.signal = signal;
  }

  get remoteAddress(): string {
    return addressOf(this.#socket());
  }

  credentials(): Credentials {
    return credentialsOf(this, this.#identify(this.#socket()));
  }

  #socket(): TLSSocket | undefined {
    return this.#stream.session?.socket as TLSSocket | undefined;
  }

  body(maxBytes: number): Promise<Uint8Array> {
    return bodyOf(this.#stream, this.headers, maxBytes);
  }

  bodyStream(): AsyncIterable<Uint8Array> {
    // The answer goes over the same stream: whoever stops reading must not end it.
    return this.#stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  }
}

const internalError = 2;

export class StreamResponse implements ServerResponse {
  readonly #stream: ServerHttp2Stream;
  isClosed = false;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    const closed = () => {
      this.isClosed = true;
    };
    stream.on('close', closed);
    // The client is gone; `close` follows.
    stream.on('error', closed);
  }

  head(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void {
    if (this.isClosed || this.#stream.closed || this.#stream.destroyed) return;
    const sent: OutgoingHttpHeaders = { ':status': status };
    for (const name in headers) {
      if (!hopByHop.has(name)) sent[name] = headers[name] as string | string[];
    }
    this.#stream.respond(sent);
  }

  /** Nothing more can be sent, or nothing may: an answer to HEAD has ended with its head. */
  get #isOver(): boolean {
    return this.isClosed || this.#stream.writableEnded || this.#stream.closed || this.#stream.destroyed;
  }

  write(chunk: Uint8Array, written?: () => void): boolean {
    if (this.#isOver) return true;
    if (!written) return this.#stream.write(chunk);
    return this.#stream.write(chunk, (error) => {
      if (!error) written();
    });
  }

  drained(): Promise<void> {
    const stream = this.#stream;
    if (this.#isOver || !stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        stream.removeListener('drain', done);
        stream.removeListener('close', done);
        resolve();
      };
      stream.on('drain', done);
      stream.on('close', done);
    });
  }

  end(chunk?: Uint8Array): void {
    if (this.#isOver) return;
    if (chunk) this.#stream.end(chunk);
    else this.#stream.end();
  }

  destroy(): void {
    this.isClosed = true;
    this.#stream.close(internalError);
  }
}
