// WebSocket clients: exec and attach by channels (v5, v4 and older), port-forward as SPDY inside messages. Towards the
// runtime it is SPDY in each case.
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { splice } from '../../base/splice.ts';
import type { StreamOptions } from '../runtime/runtime.ts';
import type { MissedOutput } from '../server/missed-output.ts';
import { type SpdyConnection, type SpdyStream, spdyClient } from './spdy/spdy-client.ts';
import { type Upgraded, upgradeToSpdy } from './upgrade.ts';

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

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const closeSignal = 255;

/** Takes the upgrade; undefined (and a 400 to the client) when no protocol fits. */
async function accept(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  supported: readonly string[],
): Promise<{ client: WebSocket; protocol: string } | undefined> {
  const { WebSocketServer } = await import('ws');
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  const chosen = supported.find((protocol) => offered.includes(protocol));
  if (!chosen) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return undefined;
  }
  const server = new WebSocketServer({ noServer: true, maxPayload: 8 * 2 ** 20, perMessageDeflate: false });
  // The port-forward protocol has a slash in its name, which `ws` refuses to read: it sees no header, and we answer it.
  delete request.headers['sec-websocket-protocol'];
  server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${chosen}`));
  const client = await new Promise<WebSocket>((resolve) => server.handleUpgrade(request, socket, head, resolve));
  return { client, protocol: chosen };
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
  const accepted = await accept(request, socket, head, channelProtocols);
  if (!accepted) return void backend?.socket.destroy();
  const { client, protocol } = accepted;
  const isBase64 = protocol.includes('base64');
  const isPlain = !/^v[45]\./.test(protocol);
  const send = (channel: number, data: Uint8Array): void => {
    const chunk = isPlain && channel === channels.error ? verdictText(data) : data;
    if (!chunk || client.readyState !== client.OPEN) return;
    if (isBase64) client.send(`${channel}${Buffer.from(chunk).toString('base64')}`, afterSend);
    else client.send(Buffer.concat([Buffer.from([channel]), chunk]), afterSend);
    if (client.bufferedAmount > highWaterBytes) spdy?.pause();
  };
  let atEnd: (() => void) | undefined;
  const afterSend = (): void => {
    if (client.bufferedAmount <= highWaterBytes) spdy?.resume();
    if (client.bufferedAmount === 0) atEnd?.();
  };
  const say = missed ? hearEnd(send) : undefined;
  // Nothing is lost while the streams are opened: the socket waits.
  const spdy = backend && spdyClient(backend.socket, backend.early);
  const finish = async (): Promise<void> => {
    if (missed && say) await say.end(missed).catch(() => undefined);
    // `close` waits half a minute, whoever reads slowly: first all must be on its way.
    if (client.bufferedAmount > 0) atEnd = () => client.close(1000);
    else client.close(1000);
  };
  if (!backend) say?.send(channels.error, unreached);
  if (!backend || !spdy || backend.socket.destroyed) return finish();
  const inputs = openStreams(spdy, options, say?.send ?? send);
  backend.socket.once('close', () => void finish());
  client.once('close', () => backend.socket.destroy());
  client.once('error', () => backend.socket.destroy());
  spdy.onDrain(() => client.resume());
  client.on('message', (data: Buffer, isBinary: boolean) => {
    const [channel, payload] = isBase64 && !isBinary ? decodeBase64(data) : [data[0]!, data.subarray(1)];
    if (channel === closeSignal) return void inputs.get(payload[0] ?? -1)?.end();
    const stream = inputs.get(channel);
    if (!stream || payload.length === 0) return;
    stream.write(payload);
    if (backend.socket.writableLength > highWaterBytes) client.pause();
  });
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

function decodeBase64(data: Buffer): [number, Buffer] {
  return [data[0]! - 0x30, Buffer.from(data.subarray(1).toString(), 'base64')];
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
  const accepted = await accept(request, socket, head, [tunnelProtocol]);
  if (!accepted) return void backend.socket.destroy();
  const tunnel = messageStream(accepted.client);
  if (backend.early.length > 0) tunnel.write(backend.early);
  splice(tunnel, backend.socket);
}

/** A WebSocket as a stream of bytes. */
function messageStream(client: WebSocket): Duplex {
  const stream = new Duplex({
    read: () => client.resume(),
    write: (chunk, _, done) => client.send(chunk, { binary: true }, (error) => done(error ?? null)),
    final: (done) => {
      if (client.readyState === client.CLOSED) return done();
      client.once('close', () => done());
      client.close(1000);
    },
    destroy: (error, done) => {
      client.terminate();
      done(error);
    },
  });
  client.on('message', (data: Buffer) => {
    if (!stream.push(data)) client.pause();
  });
  client.once('close', () => stream.push(null));
  client.once('error', (error) => stream.destroy(error));
  return stream;
}
