// A container's log as its readers want it: the last lines, since a time, with times, followed until the container ends.
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { LineCutter, parseLogLine } from './log-lines.ts';
import { rotatedLogs } from './log-rotation.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly sinceMs?: number;
  readonly stream?: 'stdout' | 'stderr';
}

export interface LogSource {
  readonly path: string;
  /** Whether the container may still write. */
  isRunning(): boolean;
  readonly clock: Clock;
}

const chunkBytes = 64 * 1024;
/** An old file with nothing new for so long has got its last line, once the new one has its first; or if it has none. */
const settledMs = 200;
const silentMs = 1_000;

/** Ends with the log, or, followed, with the container or the signal. What was read at once comes as one piece. */
export async function* readLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (options.tailLines === 0 && !options.follow) return;
  const view = new LogView(options);
  for await (const lines of readLines(source, options, signal)) {
    const text = view.of(lines);
    if (text.length > 0) yield text;
    if (view.isFull) return;
  }
}

/** What a reader wants to see of the lines. */
class LogView {
  readonly #options: LogOptions;
  #bytesLeft: number;
  /** What is written while the last lines are read is not among them. */
  #linesLeft: number;
  #isStartOfLine = true;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#bytesLeft = options.limitBytes ?? Number.POSITIVE_INFINITY;
    this.#linesLeft = options.follow ? Number.POSITIVE_INFINITY : (options.tailLines ?? Number.POSITIVE_INFINITY);
  }

  get isFull(): boolean {
    return this.#bytesLeft <= 0 || this.#linesLeft <= 0;
  }

  of(lines: Iterable<Buffer>): Buffer {
    const { stream, sinceMs, timestamps } = this.#options;
    const parts: Buffer[] = [];
    for (const line of lines) {
      const parsed = parseLogLine(line);
      if (!parsed) continue;
      if (this.isFull) break;
      this.#linesLeft--;
      if (stream && parsed.stream !== stream) continue;
      if (sinceMs !== undefined && Date.parse(parsed.time()) < sinceMs) continue;
      if (timestamps && this.#isStartOfLine) this.#add(parts, Buffer.from(`${parsed.time()} `));
      this.#isStartOfLine = parsed.content.at(-1) === 0x0a;
      this.#add(parts, parsed.content);
    }
    return Buffer.concat(parts);
  }

  #add(parts: Buffer[], part: Buffer): void {
    const fitting = part.length > this.#bytesLeft ? part.subarray(0, this.#bytesLeft) : part;
    this.#bytesLeft -= fitting.length;
    parts.push(fitting);
  }
}

async function* readLines(
  source: LogSource,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Iterable<Buffer>> {
  let file = await open(source.path);
  let next: FileHandle | undefined;
  const wake = options.follow ? watchFolder(source.path, signal) : undefined;
  try {
    let position = options.tailLines === undefined ? 0 : await tailPosition(file, options.tailLines);
    let cutter = new LineCutter();
    let readAtMs = 0;
    const buffer = Buffer.alloc(chunkBytes);
    while (!signal.aborted) {
      const wasRunning = source.isRunning();
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, position);
      if (bytesRead > 0) {
        position += bytesRead;
        readAtMs = source.clock.monotonicMs();
        yield cutter.push(Buffer.from(buffer.subarray(0, bytesRead)));
        continue;
      }
      if (!wake) return;
      if (next) {
        const quietMs = source.clock.monotonicMs() - readAtMs;
        const isOver = quietMs >= ((await next.stat()).size > 0 ? settledMs : silentMs);
        // What the runtime had in its hands when it opened the new file still goes to the old one.
        if (wasRunning && !isOver) {
          await source.clock.sleep(settledMs / 4, signal);
          continue;
        }
        await file.close();
        file = next;
        next = undefined;
        position = 0;
        cutter = new LineCutter();
        continue;
      }
      next = await successor(file, source.path);
      if (next) {
        readAtMs = source.clock.monotonicMs();
        continue;
      }
      // Looked once more after it ended: everything has been read.
      if (!wasRunning) return;
      await wake.next(source.clock);
    }
  } finally {
    wake?.close();
    await file.close();
    await next?.close();
  }
}

/** The file that goes on where this one was put aside: the oldest that is newer. A slow reader may be several behind. */
async function successor(file: FileHandle, path: string): Promise<FileHandle | undefined> {
  const [mine, now] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  if (!now || now.ino === mine.ino) return undefined;
  const aside = await rotatedLogs(path);
  const inodes = await Promise.all(
    aside.map((each) =>
      stat(each).then(
        ({ ino }) => ino,
        () => 0,
      ),
    ),
  );
  // Not there any more: all that are left are newer.
  const later = aside.slice(inodes.indexOf(mine.ino) + 1);
  for (const each of [...later, path]) {
    const opened = await open(each).catch(() => undefined);
    if (opened) return opened;
  }
  return undefined;
}

/** Where the last `lines` lines begin. */
async function tailPosition(file: FileHandle, lines: number): Promise<number> {
  let end = (await file.stat()).size;
  if (lines === 0) return end;
  let found = -1; // the newline at the end of the file ends the last line
  while (end > 0) {
    const start = Math.max(0, end - chunkBytes);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    for (let index = buffer.length - 1; index >= 0; index--) {
      if (buffer[index] !== 0x0a) continue;
      found += 1;
      if (found === lines) return start + index + 1;
    }
    end = start;
  }
  return 0;
}

interface Wake {
  /** Settles when something was written, after a while, or with the signal. */
  next(clock: Clock): Promise<void>;
  close(): void;
}

function watchFolder(path: string, signal: AbortSignal): Wake {
  let notify: (() => void) | undefined;
  let watcher: FSWatcher | undefined;
  const wake = (): void => notify?.();
  try {
    watcher = watch(dirname(path), wake);
    watcher.on('error', () => undefined);
  } catch {
    // No watches left on this machine: the wait below is short enough.
  }
  signal.addEventListener('abort', wake);
  return {
    async next(clock) {
      const { promise, resolve } = Promise.withResolvers<void>();
      notify = resolve;
      using _ = clock.timer(500, resolve);
      await promise;
    },
    close() {
      watcher?.close();
      signal.removeEventListener('abort', wake);
    },
  };
}
