// Opens an upgraded connection to the runtime's streaming server: one for each request, never shared.
import { type IncomingHttpHeaders, request } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Upgraded {
  readonly socket: Duplex;
  readonly headers: IncomingHttpHeaders;
  /** Bytes that came right behind the answer's head. */
  readonly early: Buffer;
}

/** The other side refused: its own status and words. */
export class UpgradeRefused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function upgradeToSpdy(url: string, protocols: readonly string[]): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: 'POST',
      agent: false,
      headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': [...protocols] },
    });
    call.once('error', reject);
    call.once('upgrade', (response, socket, early) => {
      socket.on('error', () => socket.destroy());
      const isRight = response.statusCode === 101 && response.headers.upgrade?.toLowerCase() === 'spdy/3.1';
      if (isRight) resolve({ socket, headers: response.headers, early });
      else {
        socket.destroy();
        reject(new UpgradeRefused(502, 'the runtime switched to another protocol'));
      }
    });
    call.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        reject(new UpgradeRefused(response.statusCode ?? 502, Buffer.concat(chunks).toString().slice(0, 4096))),
      );
    });
    call.end();
  });
}
