// Requests that never see a socket: components in this process, and those behind a MessagePort, walk the same pipeline.

import { entityTooLarge } from '../../api/meta/status-error.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { ServerRequest, ServerResponse } from './exchange.ts';
import type { OpenRequests } from './open-requests.ts';

/** As src/client/transport.ts has it; the two are structurally equal. */
export interface InProcessRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface InProcessResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  bytes(): Promise<Uint8Array>;
  stream(): AsyncIterable<Uint8Array>;
}

export class CallRequest implements ServerRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: ServerRequest['headers'];
  readonly signal: AbortSignal;
  readonly remoteAddress = '';
  readonly trustedUser: UserInfo;
  readonly #body: Uint8Array;

  constructor(user: UserInfo, request: InProcessRequest, signal: AbortSignal) {
    this.method = request.method;
    this.url = request.path;
    // Compressing for a reader in this process would be work for nothing.
    const { 'accept-encoding': _unused, ...headers } = request.headers ?? {};
    this.headers = headers;
    this.signal = signal;
    this.trustedUser = user;
    this.#body = request.body ?? new Uint8Array();
  }

  get rawHeaders(): readonly string[] {
    return Object.entries(this.headers).flat() as string[];
  }

  credentials() {
    return {};
  }

  async body(maxBytes: number): Promise<Uint8Array> {
    if (this.#body.length > maxBytes) throw entityTooLarge(`Request entity too large: limit is ${maxBytes}`);
    return this.#body;
  }

  async *bodyStream(): AsyncIterable<Uint8Array> {
    yield this.#body;
  }
}

/** Of every request that is: an error made for each would be costly. */
const givenUp = new DOMException('the request was given up', 'AbortError');

const highWaterBytes = 1024 * 1024;

/** Holds pieces until the caller takes them; asks the writer to wait when there are many. */
class CallResponse implements ServerResponse {
  readonly head_ = Promise.withResolvers<{ status: number; headers: Record<string, string> }>();
  isClosed = false;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isEnded = false;
  #isBroken = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];

  head(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void {
    const plain: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers))
      plain[name] = Array.isArray(value) ? value.join(', ') : (value as string);
    this.head_.resolve({ status, headers: plain });
  }

  write(chunk: Uint8Array): boolean {
    if (this.isClosed) return true;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake();
    return this.#bytes < highWaterBytes;
  }

  drained(): Promise<void> {
    if (this.isClosed || this.#bytes < highWaterBytes) return Promise.resolve();
    return new Promise((resolve) => this.#wakeWriters.push(resolve));
  }

  end(chunk?: Uint8Array): void {
    if (chunk) this.write(chunk);
    this.#isEnded = true;
    this.#wake();
  }

  destroy(): void {
    this.#isBroken = true;
    this.close();
  }

  /** The caller wants no more, or is gone. */
  close(): void {
    this.isClosed = true;
    this.head_.reject(new Error('the request was given up'));
    this.head_.promise.catch(() => {});
    this.#wake();
    this.#releaseWriters();
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  #releaseWriters(): void {
    const waiting = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const wake of waiting) wake();
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (this.#chunks.length > 0) {
        const taken = this.#chunks;
        this.#chunks = [];
        this.#bytes = 0;
        this.#releaseWriters();
        yield* taken;
      }
      if (this.#isBroken) throw new Error('the answer broke off');
      if (this.#isEnded || this.isClosed) return;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }
}

export type HandleExchange = (request: ServerRequest, response: ServerResponse) => Promise<void>;

/** Sends a request through the pipeline as `user`. Settles with the head of the answer. */
export async function callInProcess(
  handle: HandleExchange,
  user: UserInfo,
  request: InProcessRequest,
  open: OpenRequests,
): Promise<InProcessResponse> {
  const abort = new AbortController();
  const response = new CallResponse();
  const give = () => {
    abort.abort(givenUp);
    response.close();
  };
  if (request.signal?.aborted) throw request.signal.reason;
  request.signal?.addEventListener('abort', give, { once: true });
  // A server that stops ends what it streams; what is already written can still be read.
  const opened = open.add(() => abort.abort());
  const done = handle(new CallRequest(user, request, abort.signal), response).finally(() => {
    request.signal?.removeEventListener('abort', give);
    opened[Symbol.dispose]();
  });
  done.catch(() => {});
  const { status, headers } = await response.head_.promise;
  return {
    status,
    headers,
    async bytes() {
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.chunks()) chunks.push(chunk);
      if (request.signal?.aborted) throw request.signal.reason;
      return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    },
    async *stream() {
      try {
        yield* response.chunks();
      } finally {
        give();
      }
    },
  };
}
