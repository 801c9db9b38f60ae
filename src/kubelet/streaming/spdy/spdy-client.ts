// The part of SPDY/3.1 that a client of container runtimes needs: opening streams, data both ways, half-close, ping.
// Header blocks go out as stored blocks of one zlib stream, so nothing is compressed; those that come in are not needed.
import type { Duplex } from 'node:stream';
import { gather } from '../gather.ts';
import { controlBit, FrameReader, headerBytes } from './frame-reader.ts';

const version = 3;
const types = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 9 } as const;
const finFlag = 0x01;

export interface SpdyStreamHandlers {
  onData?(chunk: Buffer): void;
  /** The other side has sent all it has to, or reset the stream. */
  onEnd?(): void;
}

export interface SpdyStream {
  readonly id: number;
  /** False: wait for the connection's `onDrain` before more. */
  write(chunk: Uint8Array): boolean;
  /** Nothing more will be written. */
  end(): void;
}

export interface SpdyConnection {
  open(headers: Readonly<Record<string, string>>, handlers: SpdyStreamHandlers): SpdyStream;
  pause(): void;
  resume(): void;
  onDrain(callback: () => void): void;
  close(): void;
}

/** Speaks on a socket after its upgrade; `early` is what arrived behind the answer's head. */
export function spdyClient(socket: Duplex, early: Buffer): SpdyConnection {
  const streams = new Map<number, SpdyStreamHandlers>();
  let nextId = 1;
  let isFirstBlock = true;

  const end = (id: number): void => {
    const handlers = streams.get(id);
    streams.delete(id);
    handlers?.onEnd?.();
  };
  const control = (type: number, flags: number, body: Buffer): void => {
    // Too short for what it says it is.
    if (body.length < 4) return;
    if (type === types.synReply && flags & finFlag) end(body.readUInt32BE(0) & 0x7fffffff);
    else if (type === types.rstStream) end(body.readUInt32BE(0) & 0x7fffffff);
    else if (type === types.ping && body.readUInt32BE(0) % 2 === 0) socket.write(controlFrame(types.ping, 0, body));
    // SETTINGS, GOAWAY and window updates change nothing here: the peers do not enforce windows, and close when done.
  };
  const reader = new FrameReader({
    onData(id, piece, isEnd) {
      if (piece.length > 0) streams.get(id)?.onData?.(piece);
      if (isEnd) end(id);
    },
    onControl: control,
  });
  const receive = (chunk: Buffer): void => {
    try {
      reader.push(chunk);
    } catch (error) {
      socket.destroy(error as Error);
    }
  };
  socket.on('data', receive);
  socket.once('close', () => {
    for (const id of [...streams.keys()]) end(id);
  });
  if (early.length > 0) queueMicrotask(() => receive(early));
  return {
    open(headers, handlers) {
      const id = nextId;
      nextId += 2;
      streams.set(id, handlers);
      const head = Buffer.alloc(10);
      head.writeUInt32BE(id, 0);
      socket.write(controlFrame(types.synStream, 0, Buffer.concat([head, headerBlock(headers, isFirstBlock)])));
      isFirstBlock = false;
      return {
        id,
        write(chunk) {
          gather(socket);
          socket.write(dataHead(id, 0, chunk.length));
          return socket.write(chunk);
        },
        end: () => void socket.write(dataHead(id, finFlag, 0)),
      };
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    onDrain: (callback) => void socket.on('drain', callback),
    close: () => void socket.destroy(),
  };
}

function controlFrame(type: number, flags: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(headerBytes);
  head.writeUInt32BE((controlBit | (version << 16) | type) >>> 0, 0);
  head.writeUInt32BE(((flags << 24) | body.length) >>> 0, 4);
  return Buffer.concat([head, body]);
}

function dataHead(id: number, flags: number, length: number): Buffer {
  const head = Buffer.alloc(headerBytes);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(((flags << 24) | length) >>> 0, 4);
  return head;
}

/** Names and values with their lengths, inside a zlib stream that is only begun once. */
function headerBlock(headers: Readonly<Record<string, string>>, isFirst: boolean): Buffer {
  const parts: Buffer[] = [uint32(Object.keys(headers).length)];
  for (const [name, value] of Object.entries(headers))
    for (const text of [name.toLowerCase(), value]) parts.push(uint32(Buffer.byteLength(text)), Buffer.from(text));
  const plain = Buffer.concat(parts);
  const stored = Buffer.alloc(5);
  stored.writeUInt16LE(plain.length, 1);
  stored.writeUInt16LE(~plain.length & 0xffff, 3);
  return Buffer.concat([isFirst ? zlibHead : Buffer.alloc(0), stored, plain, emptyBlock]);
}

const zlibHead = Buffer.from([0x78, 0x01]);
// A reader hands on what it has when it meets an empty block: the end of a flush.
const emptyBlock = Buffer.from([0, 0, 0, 0xff, 0xff]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
