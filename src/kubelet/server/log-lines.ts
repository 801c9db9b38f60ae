// The log format of CRI: `time stream tag content`, one line each; tag P says that the next line goes on.

export interface LogLine {
  /** RFC 3339 with nanoseconds, as written. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** With its newline, unless the line goes on. */
  readonly content: Buffer;
}

/** Undefined for what is not such a line. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(0x20);
  const second = line.indexOf(0x20, first + 1);
  const third = line.indexOf(0x20, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const isPartial = line.toString('latin1', second + 1, third).split(':')[0] === 'P';
  const text = line.subarray(third + 1);
  const content = isPartial ? text : Buffer.concat([text, newline]);
  return { time: line.toString('latin1', 0, first), stream, content };
}

const newline = Buffer.from('\n');

/** Cuts bytes into lines; keeps what has no end yet. A line has a bound, as containers write what they like. */
export class LineCutter {
  static readonly maxLineBytes = 1 << 20;
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Buffer> {
    let data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a)) {
      yield data.subarray(0, end);
      data = data.subarray(end + 1);
    }
    this.#rest = data.length > LineCutter.maxLineBytes ? Buffer.alloc(0) : Buffer.from(data);
  }
}
