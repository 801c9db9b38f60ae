// One HTTP/2 session to the API server, opened when first needed and again after it was lost. Watches are streams of it.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { Clock } from '../base/clock.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

export interface HttpsTransportOptions {
  /** `https://127.0.0.1:6443`; a function gives several that serve the same: one is used for as long as it answers. */
  readonly server: string | (() => readonly string[]);
  readonly clock: Clock;
  /** PEM bundle that the server's certificate is checked against; absent: the system's. */
  readonly ca?: string;
  /** PEM pair; a function is asked for every new session, so that certificates can rotate. */
  readonly clientCertificate?: ClientCertificate | (() => ClientCertificate | Promise<ClientCertificate>);
  /** Bearer token; a function is asked for every request. */
  readonly token?: string | (() => string | Promise<string>);
  /** The name the server's certificate must carry, where it is not the host of `server`. */
  readonly serverName?: string;
  readonly insecureSkipTlsVerify?: boolean;
}

export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

const connectTimeoutMs = 10_000;
/** Where there are others to turn to. */
const shortConnectTimeoutMs = 3_000;
const pingEveryMs = 30_000;
const pingTimeoutMs = 15_000;
const streamWindowBytes = 1024 * 1024;
const sessionWindowBytes = 16 * 1024 * 1024;
/** A list of everything in a large cluster, and nothing beyond it. */
const maxBodyBytes = 512 * 1024 * 1024;
/** Requests that wait for their answer at once; watches count. */
const maxRequests = 10_000;
const retriable = new Set(['ERR_HTTP2_INVALID_SESSION', 'ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_SESSION_ERROR']);

/** A transport over HTTPS. Requests made while the server is away reject; the next one dials again. */
export function createHttpsTransport(options: HttpsTransportOptions): Transport {
  return new HttpsTransport(options);
}

class HttpsTransport implements Transport {
  readonly #options: HttpsTransportOptions;
  #session: Promise<ClientHttp2Session> | undefined;
  #requests = 0;
  #isClosed = false;
  /** The server that answered last. */
  #proven: string | undefined;

  constructor(options: HttpsTransportOptions) {
    this.#options = options;
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    if (this.#requests >= maxRequests) throw new Error(`at most ${maxRequests} requests may be under way`);
    this.#requests++;
    const release = once(() => this.#requests--);
    try {
      return await this.#attempt(request, release, true);
    } catch (error) {
      release();
      throw error;
    }
  }

  async #attempt(request: TransportRequest, release: () => void, mayRetry: boolean): Promise<TransportResponse> {
    request.signal?.throwIfAborted();
    const session = await this.#connected();
    const headers = await this.#headers(request);
    try {
      return await exchange(session, headers, request, release);
    } catch (error) {
      // The session ended before the server saw the request: asking again is safe.
      if (!mayRetry || !retriable.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      this.#drop(session);
      return this.#attempt(request, release, false);
    }
  }

  async #headers(request: TransportRequest): Promise<OutgoingHttpHeaders> {
    const { token } = this.#options;
    const headers: OutgoingHttpHeaders = { ...request.headers, ':method': request.method, ':path': request.path };
    if (token) headers['authorization'] = `Bearer ${typeof token === 'function' ? await token() : token}`;
    return headers;
  }

  #connected(): Promise<ClientHttp2Session> {
    if (this.#isClosed) return Promise.reject(new Error('transport is closed'));
    const opening = this.#session ?? this.#open();
    this.#session = opening;
    return opening;
  }

  async #open(): Promise<ClientHttp2Session> {
    try {
      const session = await this.#dial();
      const forget = () => this.#drop(session);
      session.on('close', forget).on('goaway', forget).on('error', forget);
      keepAlive(session, this.#options.clock);
      if (this.#isClosed) session.destroy();
      return session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  /** The server of before, else the first of the others that answers. @throws what the last one said */
  async #dial(): Promise<ClientHttp2Session> {
    const { server } = this.#options;
    const all = typeof server === 'string' ? [server] : server();
    const inOrder = all.includes(this.#proven ?? '')
      ? [this.#proven!, ...all.filter((one) => one !== this.#proven)]
      : all;
    const timeoutMs = all.length > 1 ? shortConnectTimeoutMs : connectTimeoutMs;
    let problem: unknown = new Error('no server is known');
    for (const one of inOrder) {
      try {
        const session = await openSession(one, this.#options, timeoutMs);
        this.#proven = one;
        return session;
      } catch (error) {
        problem = error;
      }
    }
    throw problem;
  }

  /** Later requests get a new session; streams of the old one end by themselves. */
  #drop(session: ClientHttp2Session): void {
    const current = this.#session;
    if (!current) return;
    current.then(
      (known) => {
        if (known === session && this.#session === current) this.#session = undefined;
      },
      () => {},
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const session = await this.#session?.catch(() => undefined);
    session?.destroy();
  }
}

async function openSession(
  server: string,
  options: HttpsTransportOptions,
  timeoutMs: number,
): Promise<ClientHttp2Session> {
  const { clientCertificate } = options;
  const pair = typeof clientCertificate === 'function' ? await clientCertificate() : clientCertificate;
  const session = connect(server, {
    ...(options.ca ? { ca: options.ca } : {}),
    ...(pair ? { cert: pair.certificate, key: pair.key } : {}),
    ...(options.serverName ? { servername: options.serverName } : {}),
    rejectUnauthorized: !options.insecureSkipTlsVerify,
    settings: { enablePush: false, initialWindowSize: streamWindowBytes },
  });
  return new Promise((resolve, reject) => {
    const timer = options.clock.timer(timeoutMs, () => {
      session.destroy(new Error(`${server}: no connection after ${timeoutMs} ms`));
    });
    // A session is told of its errors for as long as it lives: without a listener they would end the process.
    session.on('error', (error) => {
      timer[Symbol.dispose]();
      reject(error);
    });
    session.once('connect', () => {
      timer[Symbol.dispose]();
      session.setLocalWindowSize(sessionWindowBytes);
      resolve(session);
    });
    session.once('close', () => {
      timer[Symbol.dispose]();
      reject(new Error(`${server}: connection closed`));
    });
  });
}

/** Ends a session whose peer has gone without a word, so that its watches notice. */
function keepAlive(session: ClientHttp2Session, clock: Clock): void {
  let timer: Disposable | undefined;
  const schedule = () => {
    timer = clock.timer(pingEveryMs, ping);
  };
  const ping = () => {
    if (session.destroyed || session.closed) return;
    timer = clock.timer(pingTimeoutMs, () => session.destroy(new Error('no answer to a ping')));
    session.ping((error) => {
      timer?.[Symbol.dispose]();
      if (!error && !session.destroyed) schedule();
    });
  };
  session.once('close', () => timer?.[Symbol.dispose]());
  schedule();
}

/** Sends one request; settles with the head of its answer. `release` is called once when the stream has ended. */
function exchange(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  request: TransportRequest,
  release: () => void,
): Promise<TransportResponse> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: request.body === undefined });
    const abort = () => stream.close(constants.NGHTTP2_CANCEL);
    request.signal?.addEventListener('abort', abort, { once: true });
    stream.once('close', () => {
      request.signal?.removeEventListener('abort', abort);
      release();
      reject(
        request.signal?.aborted ? request.signal.reason : new Error('the connection closed before an answer came'),
      );
    });
    stream.on('error', reject);
    // Else a short answer that comes whole, with its end, is thrown away before anybody can begin to read it.
    stream.pause();
    stream.once('response', (answer) => resolve(new HttpsResponse(stream, answer, request.signal)));
    if (request.body !== undefined) stream.end(request.body);
  });
}

class HttpsResponse implements TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #stream: ClientHttp2Stream;
  readonly #signal: AbortSignal | undefined;

  constructor(stream: ClientHttp2Stream, headers: IncomingHttpHeaders, signal: AbortSignal | undefined) {
    this.#stream = stream;
    this.#signal = signal;
    this.status = Number(headers[':status']);
    const plain: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (!name.startsWith(':') && value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    this.headers = plain;
  }

  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.stream()) {
      size += chunk.length;
      if (size > maxBodyBytes) throw new Error(`answer: must be at most ${maxBodyBytes} bytes`);
      chunks.push(chunk);
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    const stream = this.#stream;
    try {
      // A short answer may be there with its end already: an iterator would take that for a connection that broke.
      if (stream.closed) for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) yield chunk;
      else for await (const chunk of stream) yield chunk as Uint8Array;
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR && !this.#signal?.aborted) {
        throw new Error(`the stream was reset (code ${stream.rstCode})`);
      }
      this.#signal?.throwIfAborted();
    } finally {
      if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
    }
  }
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
