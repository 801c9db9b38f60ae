// Cuts SPDY/3.1 into frames. What a data frame holds is handed on as it comes, in pieces and without a copy.

export const controlBit = 0x80000000;
export const headerBytes = 8;
/** Headers of a stream, settings, pings: all small. */
const maxControlBytes = 2 ** 20;

export interface FrameHandlers {
  /** `isEnd`: nothing more comes of the stream. A piece may be empty. */
  onData(stream: number, piece: Buffer, isEnd: boolean): void;
  onControl(type: number, flags: number, body: Buffer): void;
}

export class FrameReader {
  readonly #handlers: FrameHandlers;
  readonly #head = Buffer.alloc(headerBytes);
  #headLength = 0;
  #left = 0;
  #control: Buffer[] = [];

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers;
  }

  /** @throws for a control frame that is too large */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headLength < headerBytes) {
        const taken = Math.min(headerBytes - this.#headLength, chunk.length - at);
        chunk.copy(this.#head, this.#headLength, at, at + taken);
        this.#headLength += taken;
        at += taken;
        if (this.#headLength < headerBytes) return;
        this.#left = this.#head.readUInt32BE(4) & 0xffffff;
        if (this.#isControl && this.#left > maxControlBytes) throw new Error('SPDY frame is too large');
      }
      const taken = Math.min(this.#left, chunk.length - at);
      this.#left -= taken;
      this.#body(chunk.subarray(at, at + taken));
      at += taken;
      if (this.#left === 0) this.#headLength = 0;
    }
  }

  get #isControl(): boolean {
    return (this.#head[0]! & 0x80) !== 0;
  }

  #body(piece: Buffer): void {
    const flags = this.#head[4]!;
    const isWhole = this.#left === 0;
    const word = this.#head.readUInt32BE(0);
    if (!this.#isControl) {
      const isEnd = isWhole && (flags & 1) !== 0;
      if (piece.length > 0 || isEnd) this.#handlers.onData(word, piece, isEnd);
      return;
    }
    this.#control.push(piece);
    if (isWhole) this.#handlers.onControl(word & 0xffff, flags, Buffer.concat(this.#control.splice(0)));
  }
}
