// The server's side of a WebSocket (RFC 6455) that carries streams. What a message holds is handed on as it comes, in pieces
// and without a copy: putting each message together first costs more than all else.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { gather } from './gather.ts';

const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const controlBytes = 125;
/** Whoever sends pings and reads nothing gets no more of them back. */
const unsentPongBytes = 2 ** 20;
/** For the other side to close as well. */
const lingerMs = 30_000;

export interface Piece {
  readonly bytes: Buffer;
  /** A message begins, or ends, with it. Both may be so; a piece may be empty. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly isText: boolean;
}

export interface WebSocketHandlers {
  onPiece(piece: Piece): void;
  /** Once: nothing comes any more, whoever closed or broke it. */
  onClose(): void;
}

/** Answers the handshake. @returns the answer's head, or undefined for what is no handshake */
export function handshake({ method, headers }: IncomingMessage, protocol: string): string | undefined {
  const key = headers['sec-websocket-key'] ?? '';
  if (method !== 'GET' || headers['sec-websocket-version'] !== '13' || !/^[+/0-9A-Za-z]{22}==$/.test(key))
    return undefined;
  const accept = createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

export class ServerWebSocket {
  readonly #socket: Duplex;
  #handlers: WebSocketHandlers | undefined;
  /** Of a frame whose head is not complete. */
  readonly #head = Buffer.alloc(14);
  #headLength = 0;
  #headNeeds = 2;
  /** Of a frame's payload; undefined between frames. */
  #left: number | undefined;
  #isFinal = false;
  #opcode = 0;
  #maskAt = 0;
  readonly #mask = new Uint8Array(4);
  readonly #control: Buffer[] = [];
  /** What kind of message has begun and not ended. */
  #message: 'text' | 'binary' | undefined;
  #isFirst = true;
  #hasSentClose = false;
  #isOver = false;
  #linger: NodeJS.Timeout | undefined;

  /** On a socket whose handshake is answered. Nothing is read before `listen`. */
  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(this.#linger);
      this.#over();
    });
  }

  /** @param early what came right behind the request */
  listen(handlers: WebSocketHandlers, early: Buffer): void {
    this.#handlers = handlers;
    if (this.#isOver || this.#socket.destroyed) return void handlers.onClose();
    if (early.length > 0) this.#receive(early);
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.once('end', () => {
      this.#finish();
      this.#over();
    });
  }

  /** Bytes that wait to be sent. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  get isOpen(): boolean {
    return !this.#isOver && !this.#hasSentClose;
  }

  onDrain(callback: () => void): void {
    this.#socket.on('drain', callback);
  }

  /** One message. */
  send(chunk: Uint8Array, { prefix, isText = false, sent }: SendOptions = {}): void {
    if (!this.isOpen) return void sent?.();
    gather(this.#socket);
    this.#socket.write(frameHead(isText ? opcodes.text : opcodes.binary, chunk.length, prefix));
    this.#socket.write(chunk, sent && (() => sent()));
  }

  /** Behind all that was sent, however slowly that is read. */
  close(code: number): void {
    if (!this.isOpen) return;
    this.#sendClose(code, () => this.#setTimer());
    // The other side's close is behind what it still says, which nobody wants any more.
    this.#socket.resume();
  }

  terminate(): void {
    this.#socket.destroy();
  }

  pause(): void {
    if (this.isOpen) this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #sendClose(code: number, sent: () => void): void {
    this.#hasSentClose = true;
    const body = Buffer.alloc(2);
    body.writeUInt16BE(code);
    this.#socket.write(Buffer.concat([frameHead(opcodes.close, body.length), body]), () => {
      if (!this.#socket.destroyed) sent();
    });
  }

  #finish(): void {
    this.#socket.end();
    this.#socket.resume();
    this.#setTimer();
  }

  #setTimer(): void {
    if (this.#socket.destroyed) return;
    this.#linger ??= setTimeout(() => this.#socket.destroy(), lingerMs).unref();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers?.onClose();
  }

  /** The other side keeps to no rules, or wants too much: it is told, and nothing it says counts. */
  fail(code: number): void {
    if (this.isOpen) this.#sendClose(code, () => this.#finish());
    this.#over();
  }

  #receive(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isOver) {
      if (this.#left === undefined) {
        at = this.#readHead(chunk, at);
        if (this.#left !== 0) continue;
      }
      const taken = Math.min(this.#left ?? 0, chunk.length - at);
      const bytes = chunk.subarray(at, at + taken);
      unmask(bytes, this.#mask, this.#maskAt);
      this.#maskAt = (this.#maskAt + taken) & 3;
      at += taken;
      this.#left = (this.#left ?? 0) - taken;
      this.#payload(bytes, this.#left === 0);
      if (this.#left === 0) this.#left = undefined;
    }
  }

  /** @returns how far it came; `#left` is set when the head is complete */
  #readHead(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.#headLength < this.#headNeeds) {
      this.#head[this.#headLength++] = chunk[at++]!;
      if (this.#headLength !== 2) continue;
      this.#headNeeds = 6 + longLength(this.#head[1]! & 0x7f);
      if ((this.#head[1]! & 0x80) === 0) this.fail(1002);
      if (this.#isOver) return at;
    }
    if (this.#headLength < this.#headNeeds) return at;
    this.#begin(this.#headNeeds);
    this.#headLength = 0;
    this.#headNeeds = 2;
    return at;
  }

  #begin(headBytes: number): void {
    const [first, second] = [this.#head[0]!, this.#head[1]!];
    const short = second & 0x7f;
    const length =
      short === 126 ? this.#head.readUInt16BE(2) : short === 127 ? Number(this.#head.readBigUInt64BE(2)) : short;
    this.#opcode = first & 0x0f;
    this.#isFinal = (first & 0x80) !== 0;
    const isControl = this.#opcode >= 8;
    const isKnown = this.#opcode <= 2 || (isControl && this.#opcode <= 10);
    const isPlaced = isControl
      ? this.#isFinal && length <= controlBytes
      : (this.#opcode === opcodes.continuation) === (this.#message !== undefined);
    if (!isKnown || !isPlaced || (first & 0x70) !== 0) return void this.fail(1002);
    if (!Number.isSafeInteger(length)) return void this.fail(1009);
    this.#head.copy(this.#mask, 0, headBytes - 4, headBytes);
    this.#maskAt = 0;
    this.#left = length;
    if (isControl || this.#opcode === opcodes.continuation) return;
    this.#message = this.#opcode === opcodes.text ? 'text' : 'binary';
    this.#isFirst = true;
  }

  #payload(bytes: Buffer, isEndOfFrame: boolean): void {
    if (this.#opcode >= 8) {
      if (bytes.length > 0) this.#control.push(bytes);
      if (isEndOfFrame) this.#answer(Buffer.concat(this.#control.splice(0)));
      return;
    }
    const isLast = isEndOfFrame && this.#isFinal;
    const isText = this.#message === 'text';
    const { isOpen } = this;
    if (isOpen && (bytes.length > 0 || isLast))
      this.#handlers?.onPiece({ bytes, isFirst: this.#isFirst, isLast, isText });
    if (bytes.length > 0) this.#isFirst = false;
    if (isLast) this.#message = undefined;
  }

  #answer(body: Buffer): void {
    if (this.#opcode === opcodes.ping) {
      if (this.isOpen && this.waiting < unsentPongBytes)
        this.#socket.write(Buffer.concat([frameHead(opcodes.pong, body.length), body]));
      return;
    }
    if (this.#opcode !== opcodes.close) return;
    if (this.#hasSentClose) this.#finish();
    else this.#sendClose(body.length >= 2 ? validCode(body.readUInt16BE(0)) : 1000, () => this.#finish());
    this.#over();
  }
}

export interface SendOptions {
  /** A byte in front of the message. */
  readonly prefix?: number;
  readonly isText?: boolean;
  /** Called when it is on its way, or will never be. */
  readonly sent?: () => void;
}

const longLength = (short: number): number => (short === 126 ? 2 : short === 127 ? 8 : 0);

const validCode = (code: number): number => (code >= 3000 || (code >= 1000 && code <= 1003) ? code : 1002);

function frameHead(opcode: number, length: number, prefix?: number): Buffer {
  const whole = length + (prefix === undefined ? 0 : 1);
  const lengthBytes = whole < 126 ? 0 : whole < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + lengthBytes + (prefix === undefined ? 0 : 1));
  head[0] = 0x80 | opcode;
  head[1] = lengthBytes === 0 ? whole : lengthBytes === 2 ? 126 : 127;
  if (lengthBytes === 2) head.writeUInt16BE(whole, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(whole), 2);
  if (prefix !== undefined) head[2 + lengthBytes] = prefix;
  return head;
}

/** In place; `at`: how much of the mask the bytes before it have used. Four bytes at a time where they lie so. */
export function unmask(bytes: Buffer, mask: Uint8Array, at: number): void {
  let index = 0;
  const unaligned = Math.min(bytes.length, (4 - (bytes.byteOffset & 3)) & 3);
  for (; index < unaligned; index++) bytes[index]! ^= mask[(at + index) & 3]!;
  if (bytes.length - index >= 4) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + index, (bytes.length - index) >> 2);
    const turned = new Uint8Array(4);
    for (let each = 0; each < 4; each++) turned[each] = mask[(at + index + each) & 3]!;
    const word = new Uint32Array(turned.buffer)[0]!;
    for (let each = 0; each < words.length; each++) words[each]! ^= word;
    index += words.length * 4;
  }
  for (; index < bytes.length; index++) bytes[index]! ^= mask[(at + index) & 3]!;
}
