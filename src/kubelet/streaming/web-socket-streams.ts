// WebSocket clients: exec and attach by channels (v5, v4 and older), port-forward as SPDY inside messages. Towards the
// runtime it is SPDY in each case.
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { splice } from '../../base/splice.ts';
import type { StreamOptions } from '../runtime/runtime.ts';
import type { MissedOutput } from '../server/missed-output.ts';
import { type SpdyConnection, type SpdyStream, spdyClient } from './spdy/spdy-client.ts';
import { type Upgraded, upgradeToSpdy } from './upgrade.ts';
import { handshake, type Piece, ServerWebSocket } from './web-socket.ts';

export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
const channelProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'channel.k8s.io',
  'v5.base64.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'base64.channel.k8s.io',
];
/** What the runtime is asked for, the best first. */
const runtimeProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];
const highWaterBytes = 2 ** 20;
/** Of a message that has to be there as a whole. */
const maxMessageBytes = 8 * 2 ** 20;

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const closeSignal = 255;

/** Takes the upgrade; undefined (and a 400 to the client) when no protocol fits. */
function accept(
  request: IncomingMessage,
  socket: Duplex,
  supported: readonly string[],
): { client: ServerWebSocket; protocol: string } | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  const protocol = supported.find((each) => offered.includes(each));
  const head = protocol && handshake(request, protocol);
  if (!head) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return undefined;
  }
  socket.write(head);
  return { client: new ServerWebSocket(socket), protocol };
}

export interface ChannelRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly url: () => Promise<string>;
  readonly options: StreamOptions;
  /** Of a container that has only just begun: what it said, if it ended before it was heard. */
  readonly missed?: MissedOutput;
}

/** Exec or attach by channels. Settles when both sides are joined. */
export async function joinChannels(channelRequest: ChannelRequest): Promise<void> {
  const { request, socket, head, options, missed } = channelRequest;
  const backend = await connect(channelRequest);
  const accepted = accept(request, socket, channelProtocols);
  if (!accepted) return void backend?.socket.destroy();
  const { client, protocol } = accepted;
  const isBase64 = protocol.includes('base64');
  const isPlain = !/^v[45]\./.test(protocol);
  const send = (channel: number, data: Uint8Array): void => {
    const chunk = isPlain && channel === channels.error ? verdictText(data) : data;
    if (!chunk) return;
    if (isBase64) client.send(Buffer.from(`${channel}${Buffer.from(chunk).toString('base64')}`), { isText: true });
    else client.send(chunk, { prefix: channel });
    if (client.waiting > highWaterBytes) spdy?.pause();
  };
  const say = missed ? hearEnd(send) : undefined;
  // Nothing is lost while the streams are opened: the socket waits.
  const spdy = backend && spdyClient(backend.socket, backend.early);
  client.onDrain(() => spdy?.resume());
  const finish = async (): Promise<void> => {
    if (missed && say) await say.end(missed).catch(() => undefined);
    client.close(1000);
  };
  if (!backend) say?.send(channels.error, unreached);
  if (!backend || !spdy || backend.socket.destroyed) {
    client.listen({ onPiece: () => undefined, onClose: () => undefined }, head);
    return finish();
  }
  const inputs = openStreams(spdy, options, say?.send ?? send);
  backend.socket.once('close', () => void finish());
  spdy.onDrain(() => client.resume());
  const write = (channel: number, payload: Buffer): void => {
    inputs.get(channel)?.write(payload);
    if (backend.socket.writableLength > highWaterBytes) client.pause();
  };
  const onPiece = channelReader(client, isBase64, {
    write,
    end: (channel) => inputs.get(channel)?.end(),
  });
  client.listen({ onPiece, onClose: () => backend.socket.destroy() }, head);
}

interface ChannelSink {
  write(channel: number, payload: Buffer): void;
  /** The client has nothing more to say on it. */
  end(channel: number): void;
}

/** What a client says: a message's first byte is its channel. */
function channelReader(client: ServerWebSocket, isBase64: boolean, { write, end }: ChannelSink) {
  let channel: number | undefined;
  let text: Buffer[] = [];
  let textBytes = 0;
  const take = (payload: Buffer): void => {
    if (payload.length === 0 || channel === undefined) return;
    if (channel === closeSignal) end(payload[0]!);
    else write(channel, payload);
  };
  return ({ bytes, isFirst, isLast, isText }: Piece): void => {
    if (isBase64 && isText) {
      textBytes += bytes.length;
      if (textBytes > maxMessageBytes) return void client.fail(1009);
      text.push(bytes);
      if (!isLast) return;
      [channel, bytes] = decodeBase64(Buffer.concat(text));
      [text, textBytes] = [[], 0];
      take(bytes);
      return;
    }
    if (isFirst) channel = bytes[0];
    take(isFirst ? bytes.subarray(1) : bytes);
  };
}

/** Undefined where a container ended before it could be reached, and what it said can be told. */
async function connect({ url, missed }: ChannelRequest): Promise<Upgraded | undefined> {
  try {
    return await upgradeToSpdy(await url(), runtimeProtocols);
  } catch (error) {
    if (missed) return undefined;
    throw error;
  }
}

const unreached = Buffer.from(
  '{"metadata":{},"status":"Failure","message":"error attaching to container","reason":"InternalError","code":500}',
);

type Send = (channel: number, chunk: Uint8Array) => void;

/** Passes output on, and keeps how it ended until it is known whether anything was heard at all. */
function hearEnd(send: Send): { send: Send; end(missed: MissedOutput): Promise<void> } {
  const verdict: Uint8Array[] = [];
  let isSilent = true;
  return {
    send(channel, chunk) {
      if (channel === channels.error) return void verdict.push(chunk);
      isSilent = false;
      send(channel, chunk);
    },
    async end(missed) {
      const wasMissed = isSilent && (await missed((stream, chunk) => send(channels[stream], chunk)));
      if (wasMissed) send(channels.error, Buffer.from('{"metadata":{},"status":"Success"}'));
      else for (const chunk of verdict) send(channels.error, chunk);
    },
  };
}

/** The oldest protocols know no Status: they say nothing of success, and of a failure its message. */
export function verdictText(status: Uint8Array): Uint8Array | undefined {
  try {
    const { status: verdict, message } = JSON.parse(Buffer.from(status).toString()) as Record<string, unknown>;
    return verdict === 'Success' ? undefined : Buffer.from(String(message ?? ''));
  } catch {
    return status; // the runtime's own words
  }
}

function decodeBase64(data: Buffer): [number | undefined, Buffer] {
  return [data.length > 0 ? data[0]! - 0x30 : undefined, Buffer.from(data.subarray(1).toString(), 'base64')];
}

/** Opens what the runtime waits for. @returns the streams that the client writes, by channel. */
function openStreams(
  spdy: SpdyConnection,
  options: StreamOptions,
  send: (channel: number, chunk: Uint8Array) => void,
): Map<number, SpdyStream> {
  const inputs = new Map<number, SpdyStream>();
  const open = (type: keyof typeof channels): SpdyStream =>
    spdy.open({ streamtype: type }, { onData: (chunk) => send(channels[type], chunk) });
  openVerdict(spdy, send);
  if (options.stdin) inputs.set(channels.stdin, open('stdin'));
  if (options.stdout) open('stdout').end();
  if (options.stderr && !options.tty) open('stderr').end();
  if (options.tty) inputs.set(channels.resize, open('resize'));
  return inputs;
}

/** How it ended is one message, in however many pieces it comes. */
function openVerdict(spdy: SpdyConnection, send: Send): void {
  const pieces: Buffer[] = [];
  spdy.open(
    { streamtype: 'error' },
    {
      onData: (piece) => void pieces.push(piece),
      onEnd: () => pieces.length > 0 && send(channels.error, Buffer.concat(pieces)),
    },
  );
}

/** Port-forward: the messages' bytes are SPDY's, and the runtime gets them as they are. */
export async function joinTunnel(request: IncomingMessage, socket: Duplex, head: Buffer, url: string): Promise<void> {
  const backend = await upgradeToSpdy(url, ['portforward.k8s.io']);
  const accepted = accept(request, socket, [tunnelProtocol]);
  if (!accepted) return void backend.socket.destroy();
  const tunnel = messageStream(accepted.client, head);
  if (backend.early.length > 0) tunnel.write(backend.early);
  splice(tunnel, backend.socket);
}

/** A WebSocket as a stream of bytes. */
function messageStream(client: ServerWebSocket, head: Buffer): Duplex {
  const closed = Promise.withResolvers<void>();
  const stream = new Duplex({
    read: () => client.resume(),
    write: (chunk, _, done) => client.send(chunk, { sent: () => done() }),
    final: (done) => {
      void closed.promise.then(() => done());
      client.close(1000);
    },
    destroy: (error, done) => {
      client.terminate();
      done(error);
    },
  });
  const onClose = (): void => {
    stream.push(null);
    closed.resolve();
  };
  const onPiece = ({ bytes }: Piece): void => {
    if (bytes.length > 0 && !stream.push(bytes)) client.pause();
  };
  client.listen({ onPiece, onClose }, head);
  return stream;
}
