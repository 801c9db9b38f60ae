// The server's end of a MessagePort: requests of a worker thread walk the pipeline, answers go back in batches.
import type { MessagePort } from 'node:worker_threads';
import { type PortRequest, type PortToClient, type PortToServer, portWindowBytes } from '../../base/port-messages.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { ServerResponse } from './exchange.ts';
import { CallRequest, type HandleExchange } from './in-process.ts';

/** Requests one port may have under way. */
const maxOpen = 10_000;

export function servePort(
  port: MessagePort,
  users: Readonly<Record<string, UserInfo>>,
  handle: HandleExchange,
  onClose: () => void,
): Disposable {
  const open = new Map<number, { abort: AbortController; response: PortResponse }>();
  const outbox = new Outbox(port);
  const stop = () => {
    for (const { abort, response } of open.values()) {
      response.close();
      abort.abort();
    }
    open.clear();
    onClose();
  };

  const start = (message: PortRequest) => {
    const user = users[message.as];
    if (!user || open.size >= maxOpen) return outbox.send({ type: 'abort', id: message.id });
    const abort = new AbortController();
    const response = new PortResponse(message.id, outbox);
    open.set(message.id, { abort, response });
    void handle(new CallRequest(user, message, abort.signal), response).finally(() => open.delete(message.id));
  };

  port.on('message', (batch: readonly PortToServer[]) => {
    for (const message of batch) {
      if (message.type === 'request') start(message);
      else if (message.type === 'credit') open.get(message.id)?.response.credit(message.bytes);
      else {
        const found = open.get(message.id);
        found?.response.close();
        found?.abort.abort();
        open.delete(message.id);
      }
    }
  });
  port.on('close', stop);
  return { [Symbol.dispose]: () => port.close() };
}

/** Gathers what one turn of the event loop has to say into one message. */
class Outbox {
  readonly #port: MessagePort;
  #batch: PortToClient[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
  }

  send(message: PortToClient): void {
    this.#batch.push(message);
    if (this.#batch.length > 1) return;
    // After the turn, not within it: what many promises of one turn say costs one message, not one each.
    setImmediate(() => {
      const batch = this.#batch;
      this.#batch = [];
      this.#port.postMessage(batch);
    });
  }
}

class PortResponse implements ServerResponse {
  isClosed = false;
  readonly #id: number;
  readonly #outbox: Outbox;
  #underWay = 0;
  #waiting: (() => void)[] = [];

  constructor(id: number, outbox: Outbox) {
    this.#id = id;
    this.#outbox = outbox;
  }

  head(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void {
    const plain: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers))
      plain[name] = Array.isArray(value) ? value.join(', ') : (value as string);
    if (!this.isClosed) this.#outbox.send({ type: 'head', id: this.#id, status, headers: plain });
  }

  write(chunk: Uint8Array, written?: () => void): boolean {
    if (this.isClosed) return true;
    this.#underWay += chunk.length;
    // A view into a larger buffer would be copied whole.
    const isWhole = chunk.byteLength === chunk.buffer.byteLength;
    const bytes = isWhole ? chunk : Uint8Array.prototype.slice.call(chunk);
    if (!isWhole) written?.();
    this.#outbox.send({ type: 'chunk', id: this.#id, bytes });
    return this.#underWay < portWindowBytes;
  }

  drained(): Promise<void> {
    if (this.isClosed || this.#underWay < portWindowBytes) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  credit(bytes: number): void {
    this.#underWay -= bytes;
    if (this.#underWay < portWindowBytes) this.#release();
  }

  end(chunk?: Uint8Array): void {
    if (chunk) this.write(chunk);
    if (!this.isClosed) this.#outbox.send({ type: 'end', id: this.#id });
    this.isClosed = true;
  }

  destroy(): void {
    if (!this.isClosed) this.#outbox.send({ type: 'abort', id: this.#id });
    this.close();
  }

  close(): void {
    this.isClosed = true;
    this.#release();
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
