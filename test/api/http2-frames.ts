// HTTP/2 frames made by hand, on a connection of their own: what no library would send.
import { connect, type TLSSocket } from 'node:tls';
import type { Connection } from './raw-http.ts';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const frames = { headers: 1, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const;

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export class RawHttp2 implements Disposable {
  readonly #socket: TLSSocket;
  #received = Buffer.alloc(0);
  readonly #closed: Promise<void>;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('error', () => {}); // being cut off is what these tests wait for
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static open(to: Connection): Promise<RawHttp2> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...to, ALPNProtocols: ['h2'] }, () => {
        socket.write(Buffer.concat([preface, frame(frames.settings, 0, 0)]));
        resolve(new RawHttp2(socket));
      });
      socket.once('error', reject);
    });
  }

  /** Waits where the server reads no further; false once it has closed the connection. */
  async send(bytes: Buffer): Promise<boolean> {
    if (this.#socket.destroyed) return false;
    if (!this.#socket.write(bytes)) {
      await Promise.race([new Promise((resolve) => this.#socket.once('drain', resolve)), this.#closed]);
    }
    return !this.#socket.destroyed;
  }

  /** Settles when the server closes the connection. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Types of all frames that came. */
  types(): number[] {
    const found: number[] = [];
    for (let at = 0; at + 9 <= this.#received.length; at += 9 + this.#received.readUIntBE(at, 3)) {
      found.push(this.#received[at + 3]!);
    }
    return found;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
