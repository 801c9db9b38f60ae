// A container's log as its readers want it: the last lines, since a time, with times, followed until the container ends.
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { LineCutter, parseLogLine } from './log-lines.ts';

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

/** Ends with the log, or, followed, with the container or the signal. */
export async function* readLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  // What is written while the last lines are read is not among them.
  let linesLeft = options.follow ? Number.POSITIVE_INFINITY : (options.tailLines ?? Number.POSITIVE_INFINITY);
  if (options.tailLines === 0 && !options.follow) return;
  let startOfLine = true;
  for await (const line of rawLines(source, options, signal)) {
    const parsed = parseLogLine(line);
    if (!parsed) continue;
    if (linesLeft-- <= 0) return;
    if (options.stream && parsed.stream !== options.stream) continue;
    if (options.sinceMs !== undefined && Date.parse(parsed.time) < options.sinceMs) continue;
    let out =
      options.timestamps && startOfLine
        ? Buffer.concat([Buffer.from(`${parsed.time} `), parsed.content])
        : parsed.content;
    startOfLine = parsed.content.at(-1) === 0x0a;
    if (out.length > left) out = out.subarray(0, left);
    left -= out.length;
    if (out.length > 0) yield out;
    if (left <= 0) return;
  }
}

async function* rawLines(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  let file = await open(source.path);
  let next: FileHandle | undefined;
  const wake = options.follow ? watchFolder(source.path, signal) : undefined;
  try {
    let position = options.tailLines === undefined ? 0 : await tailPosition(file, options.tailLines);
    let cutter = new LineCutter();
    const buffer = Buffer.alloc(chunkBytes);
    while (!signal.aborted) {
      const wasRunning = source.isRunning();
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, position);
      if (bytesRead > 0) {
        position += bytesRead;
        yield* cutter.push(Buffer.from(buffer.subarray(0, bytesRead)));
        continue;
      }
      if (!wake) return;
      if (next) {
        await file.close();
        file = next;
        next = undefined;
        position = 0;
        cutter = new LineCutter();
        continue;
      }
      next = await reopened(file, source.path);
      // Something may have been written to the old one between the last look and the rotation.
      if (next) continue;
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

/** The new file, when the log was rotated under us. */
async function reopened(file: FileHandle, path: string): Promise<FileHandle | undefined> {
  const [mine, now] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return now && now.ino !== mine.ino ? open(path) : undefined;
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
