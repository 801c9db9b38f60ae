/** The longest line of a watch stream: an object of 3 MiB, escaped, and room. */
const maxLineBytes = 32 * 1024 * 1024;

/** The lines of a byte stream, without their newlines; empty ones are left out. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const tail = bytes.subarray(start, end);
      start = end + 1;
      const line = pending.length > 0 ? Buffer.concat([...pending, tail]).toString('utf8') : tail.toString('utf8');
      pending = [];
      pendingBytes = 0;
      if (line) yield line;
    }
    if (start >= bytes.length) continue;
    pending.push(bytes.subarray(start));
    pendingBytes += bytes.length - start;
    if (pendingBytes > maxLineBytes) throw new Error(`line: must be at most ${maxLineBytes} bytes`);
  }
}
