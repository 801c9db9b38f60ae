// Requests of a worker thread to the API server of the same process. All its identities share one port, and messages of one
// turn travel together; an answer runs at most a window ahead of its reader.
import type { MessagePort } from 'node:worker_threads';
import { type PortToClient, type PortToServer, portWindowBytes } from '../base/port-messages.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

/** Requests that wait for their answer at once; watches count. */
const maxRequests = 10_000;

/** Over a MessagePort whose other end is with the API server. Disposing closes the port. */
export class PortConnection implements AsyncDisposable {
  readonly #port: MessagePort;
  readonly #answers = new Map<number, Answer>();
  #outbox: PortToServer[] = [];
  #nextId = 1;
  #isClosed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (messages: PortToClient[]) => {
      for (const message of messages) this.#receive(message);
    });
    port.on('close', () => this.#close());
  }

  /** A transport for one of the identities that the server knows this port by. It ends with the connection. */
  as(identity: string): Transport {
    return {
      request: (request) => this.#request(identity, request),
      async [Symbol.asyncDispose]() {},
    };
  }

  #request(as: string, request: TransportRequest): Promise<TransportResponse> {
    if (this.#isClosed) return Promise.reject(new Error('the API server is gone'));
    if (this.#answers.size >= maxRequests) {
      return Promise.reject(new Error(`at most ${maxRequests} requests may be under way`));
    }
    const { signal } = request;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const cancel = () => {
        this.#send({ type: 'abort', id });
        answer.fail(signal?.reason ?? new Error('stopped reading'));
      };
      const answer = new Answer({
        head: resolve,
        credit: (bytes) => this.#send({ type: 'credit', id, bytes }),
        cancel,
        settled: (error) => {
          this.#answers.delete(id);
          signal?.removeEventListener('abort', cancel);
          if (error) reject(error);
        },
      });
      this.#answers.set(id, answer);
      signal?.addEventListener('abort', cancel, { once: true });
      const { method, path, headers = {}, body } = request;
      this.#send({ type: 'request', id, as, method, path, headers, ...(body ? { body } : {}) });
    });
  }

  #send(message: PortToServer): void {
    if (this.#isClosed) return;
    if (this.#outbox.push(message) > 1) return;
    queueMicrotask(() => {
      const messages = this.#outbox;
      this.#outbox = [];
      if (!this.#isClosed) this.#port.postMessage(messages);
    });
  }

  #receive(message: PortToClient): void {
    const answer = this.#answers.get(message.id);
    if (!answer) return; // Cancelled here while it was on its way.
    if (message.type === 'head') answer.begin(message.status, message.headers);
    else if (message.type === 'chunk') answer.push(message.bytes);
    else if (message.type === 'end') answer.end();
    else answer.fail(new Error('the answer broke off'));
  }

  #close(): void {
    this.#isClosed = true;
    for (const answer of [...this.#answers.values()]) answer.fail(new Error('the API server is gone'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#port.close();
    this.#close();
  }
}

interface AnswerHooks {
  head(answer: TransportResponse): void;
  credit(bytes: number): void;
  cancel(): void;
  /** Called once, when nothing more will come. */
  settled(error: unknown): void;
}

class Answer implements TransportResponse {
  status = 0;
  headers: Readonly<Record<string, string>> = {};
  readonly #hooks: AnswerHooks;
  #chunks: Uint8Array[] = [];
  #uncreditedBytes = 0;
  #isOver = false;
  #error: unknown;
  #wake: (() => void) | undefined;

  constructor(hooks: AnswerHooks) {
    this.#hooks = hooks;
  }

  begin(status: number, headers: Readonly<Record<string, string>>): void {
    this.status = status;
    this.headers = headers;
    this.#hooks.head(this);
  }

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#wake?.();
  }

  end(): void {
    this.#finish(undefined);
  }

  fail(error: unknown): void {
    this.#finish(error);
  }

  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream()) chunks.push(chunk);
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunks = this.#chunks;
        this.#chunks = [];
        for (const chunk of chunks) {
          this.#credit(chunk.length);
          yield chunk;
        }
        if (this.#chunks.length > 0) continue;
        if (this.#isOver) break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
      if (this.#error) throw this.#error;
    } finally {
      if (!this.#isOver) this.#hooks.cancel();
    }
  }

  /** Credits travel when a quarter of the window has been read, not with every event. */
  #credit(bytes: number): void {
    this.#uncreditedBytes += bytes;
    if (this.#isOver || this.#uncreditedBytes < portWindowBytes / 4) return;
    this.#hooks.credit(this.#uncreditedBytes);
    this.#uncreditedBytes = 0;
  }

  #finish(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#hooks.settled(error);
    this.#wake?.();
  }
}
