// The buffers that lists are sent in. A list of 35 MB takes 140 of them, one after the other: those that have been sent
// are filled again, since each new one is memory that the collector has to find out is free.

/** Large enough to be cheap to send, small enough to wait for a slow reader. */
export const chunkBytes = 256 * 1024;

const maxKept = 16;
const kept: Buffer[] = [];
/** Those that may come back, by what they are views of. */
const lent = new WeakSet<ArrayBufferLike>();

/** A buffer of `chunkBytes` bytes with anything in it. */
export function takeChunk(): Buffer {
  const chunk = kept.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
  lent.add(chunk.buffer);
  return chunk;
}

/** A view of a buffer that was taken here and is needed no longer; anything else is left alone. */
export function giveBack({ buffer }: Uint8Array): void {
  if (!lent.delete(buffer) || kept.length === maxKept) return;
  kept.push(Buffer.from(buffer as ArrayBuffer));
}
