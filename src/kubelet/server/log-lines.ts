// The log format of CRI: `time stream tag content`, one line each; tag P says that the next line goes on.

export interface LogLine {
  /** RFC 3339 with nanoseconds, as written. */
  readonly time: () => string;
  readonly stream: 'stdout' | 'stderr';
  /** With its newline, unless the line goes on. Shares the memory of the line. */
  readonly content: Buffer;
}

/** Of a line with its newline. Undefined for what is not such a line. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(0x20);
  const second = line.indexOf(0x20, first + 1);
  const third = line.indexOf(0x20, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const isPartial = line[second + 1] === 0x50 && (third === second + 2 || line[second + 2] === 0x3a);
  const content = line.subarray(third + 1, isPartial ? line.length - 1 : line.length);
  return { time: () => line.toString('latin1', 0, first), stream, content };
}

/** Cuts bytes into lines; keeps what has no end yet. A line has a bound, as containers write what they like. */
export class LineCutter {
  static readonly maxLineBytes = 1 << 20;
  #rest: Buffer = Buffer.alloc(0);

  /** @returns lines with their newlines, in the memory of the chunk */
  *push(chunk: Buffer): Generator<Buffer> {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let start = 0;
    for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a, start)) {
      yield data.subarray(start, end + 1);
      start = end + 1;
    }
    this.#rest = data.length - start > LineCutter.maxLineBytes ? Buffer.alloc(0) : Buffer.from(data.subarray(start));
  }
}
