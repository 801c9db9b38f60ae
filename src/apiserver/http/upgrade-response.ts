// Answers an upgrade request that no handler took over: a plain HTTP/1.1 answer on the bare socket, then the end.
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ServerResponse } from './exchange.ts';

export class UpgradeResponse implements ServerResponse {
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  head(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void {
    if (this.isClosed) return;
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, 'connection: close'];
    for (const [name, value] of Object.entries(headers)) {
      for (const each of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${each}`);
    }
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  write(chunk: Uint8Array): boolean {
    return this.isClosed || this.#socket.write(chunk);
  }

  drained(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        socket.removeListener('drain', done);
        socket.removeListener('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }

  end(chunk?: Uint8Array): void {
    if (chunk) this.#socket.end(chunk);
    else this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
