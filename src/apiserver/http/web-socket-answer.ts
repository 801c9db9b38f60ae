// A stream for a client that asked for a WebSocket: each piece of the body is a message, first an empty one to say that the
// connection stands.
import { badRequest } from '../../api/meta/status-error.ts';
import type { StreamAnswer, TakenAnswer } from './answer.ts';
import { type BodySink, header, type ServerRequest } from './exchange.ts';

const base64Protocol = 'base64.binary.k8s.io';
const protocols = ['binary.k8s.io', base64Protocol];
const highWaterBytes = 1 << 20;

export function wantsWebSocket(request: ServerRequest): boolean {
  return request.upgrade !== undefined && header(request, 'upgrade').toLowerCase() === 'websocket';
}

/** Takes the connection; the messages go on after the answer. @throws BadRequest for protocols of others */
export async function overWebSocket(request: ServerRequest, answer: StreamAnswer): Promise<TakenAnswer> {
  const { WebSocketServer } = await import('ws');
  const upgrade = request.upgrade!;
  const offered = header(request, 'sec-websocket-protocol')
    .split(',')
    .map((each) => each.trim());
  const chosen = protocols.find((protocol) => offered.includes(protocol));
  if (!chosen && offered.some(Boolean)) throw badRequest('none of the requested protocols is supported');
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: 1024,
    perMessageDeflate: false,
    handleProtocols: () => chosen ?? false,
  });
  server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (client) => {
    const isBinary = chosen !== base64Protocol;
    let lastSent = Promise.resolve();
    const sink: BodySink = {
      get isClosed() {
        return client.readyState !== client.OPEN;
      },
      write(chunk) {
        const message = isBinary ? chunk : Buffer.from(chunk).toString('base64');
        lastSent = new Promise((resolve) => client.send(message, () => resolve()));
        return client.bufferedAmount < highWaterBytes;
      },
      drained: () => lastSent,
    };
    client.once('error', () => client.terminate());
    sink.write(Buffer.alloc(0));
    answer.write(sink).then(
      () => client.close(1000),
      () => client.terminate(),
    );
  });
  return { type: 'taken' };
}
