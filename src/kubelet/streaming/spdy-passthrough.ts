// A client that speaks SPDY itself is joined with the runtime: the same frames pass through, but for pings.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { splice } from '../../base/splice.ts';
import { answerPings } from './spdy/ping-answerer.ts';
import { upgradeToSpdy } from './upgrade.ts';

/** Values of a header that may come in several lines, or in one with commas. */
export function headerList(request: IncomingMessage, name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2)
    if (request.rawHeaders[index]!.toLowerCase() === name) values.push(...request.rawHeaders[index + 1]!.split(','));
  return values.map((value) => value.trim()).filter(Boolean);
}

export async function passSpdyThrough(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  url: string,
): Promise<void> {
  const backend = await upgradeToSpdy(url, headerList(request, 'x-stream-protocol-version'));
  const chosen = backend.headers['x-stream-protocol-version'];
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    ...(chosen ? [`X-Stream-Protocol-Version: ${chosen}`] : []),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  const client = answerPings(socket);
  if (backend.early.length > 0) client.write(backend.early);
  splice(client, backend.socket);
}
