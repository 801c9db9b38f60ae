// Text and bytes put together in buffers that are large enough to be cheap to send and small enough to wait for a slow reader.
import { chunkBytes, takeChunk } from './chunk-pool.ts';

export class ChunkWriter {
  #chunk: Buffer;
  #at = 0;

  constructor(sizeBytes = chunkBytes) {
    this.#chunk = sizeBytes < chunkBytes ? Buffer.allocUnsafe(sizeBytes) : takeChunk();
  }

  get isFull(): boolean {
    return this.#at >= chunkBytes - 8 * 1024;
  }

  text(text: string): void {
    // A UTF-16 unit takes three bytes at most.
    this.#reserve(3 * text.length);
    this.#at += this.#chunk.write(text, this.#at);
  }

  bytes(source: Uint8Array, start = 0, end = source.length): void {
    this.#reserve(end - start);
    this.#chunk.set(start === 0 && end === source.length ? source : source.subarray(start, end), this.#at);
    this.#at += end - start;
  }

  /** A tag of one byte and a length, as protobuf has them. */
  tagged(tag: number, length: number): void {
    this.#reserve(11);
    this.#chunk[this.#at++] = tag;
    let rest = length;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#chunk[this.#at++] = (rest % 0x80) | 0x80;
    this.#chunk[this.#at++] = rest;
  }

  /** What was written; the next chunk is begun. */
  take(): Buffer {
    const taken = this.#chunk.subarray(0, this.#at);
    this.#chunk = Buffer.allocUnsafe(0);
    this.#at = 0;
    return taken;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#chunk.length) return;
    const wanted = Math.max(this.#at === 0 ? chunkBytes : 2 * this.#chunk.length, this.#at + size);
    const grown = wanted === chunkBytes ? takeChunk() : Buffer.allocUnsafe(wanted);
    this.#chunk.copy(grown, 0, 0, this.#at);
    this.#chunk = grown;
  }
}

/** Items with commas between, in pieces of some size. */
export function* joined<T>(items: readonly T[], write: (to: ChunkWriter, item: T) => void): Generator<Buffer> {
  const to = new ChunkWriter(Math.min(chunkBytes, 4096 * items.length));
  for (let index = 0; index < items.length; index++) {
    if (index > 0) to.text(',');
    write(to, items[index]!);
    if (to.isFull) yield to.take();
  }
  const rest = to.take();
  if (rest.length > 0) yield rest;
}
