// The audit log: lines are gathered and appended by the thread pool, so that no request waits for the disk. What cannot be
// written fast enough is dropped, and counted. Files are cut over by size and kept by number and age.
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { AuditSink } from './sink.ts';

export interface LogFileOptions {
  readonly path: string;
  /** 0: never cut over. */
  readonly maxSizeBytes: number;
  /** Old files kept; 0: all. */
  readonly maxBackups: number;
  /** 0: for ever. */
  readonly maxAgeMs: number;
}

const flushAtChars = 64 << 10;
const flushAfterMs = 1_000;
const maxWaitingChars = 32 << 20;

export class LogFile implements AuditSink {
  readonly name = 'log';
  dropped = 0;
  readonly #options: LogFileOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  #lines: string[] = [];
  #chars = 0;
  #underWay = 0;
  #writing: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #file: FileHandle | undefined;
  #size = 0;

  constructor(options: LogFileOptions, { clock, log }: { clock: Clock; log: Logger }) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  write(line: string): void {
    if (this.#chars + this.#underWay > maxWaitingChars) {
      if (this.dropped++ === 0) this.#log.warn('audit events are dropped: the log cannot be written fast enough');
      return;
    }
    this.#lines.push(line);
    this.#chars += line.length;
    if (this.#chars >= flushAtChars) this.#flush();
    else this.#timer ??= this.#clock.timer(flushAfterMs, () => this.#flush());
  }

  #flush(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#writing || this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#underWay = this.#chars;
    this.#lines = [];
    this.#chars = 0;
    this.#writing = this.#append(lines)
      .catch((error) => {
        this.dropped += lines.length;
        this.#log.error('the audit log could not be written', error, { path: this.#options.path });
      })
      .finally(() => {
        this.#writing = undefined;
        this.#underWay = 0;
        if (this.#chars >= flushAtChars) this.#flush();
        else if (this.#lines.length > 0) this.#timer ??= this.#clock.timer(flushAfterMs, () => this.#flush());
      });
  }

  async #append(lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from(lines.join(''));
    const { path, maxSizeBytes } = this.#options;
    if (!this.#file) {
      this.#file = await open(path, 'a', 0o600);
      this.#size = (await this.#file.stat()).size;
    }
    if (maxSizeBytes > 0 && this.#size > 0 && this.#size + bytes.length > maxSizeBytes) await this.#cutOver();
    await this.#file.appendFile(bytes);
    this.#size += bytes.length;
  }

  async #cutOver(): Promise<void> {
    const { path } = this.#options;
    await this.#file?.close();
    this.#file = undefined;
    const extension = extname(path);
    const stem = basename(path, extension);
    const stamp = new Date(this.#clock.now()).toISOString().slice(0, 23).replaceAll(':', '-');
    await rename(path, join(dirname(path), `${stem}-${stamp}${extension}`));
    this.#file = await open(path, 'a', 0o600);
    this.#size = 0;
    await this.#prune(stem, extension);
  }

  /** Their names say their age. */
  async #prune(stem: string, extension: string): Promise<void> {
    const { path, maxBackups, maxAgeMs } = this.#options;
    const folder = dirname(path);
    const isOld = (name: string) =>
      name.startsWith(`${stem}-`) && name.endsWith(extension) && /^\d{4}-\d\d-\d\dT/.test(name.slice(stem.length + 1));
    const old = (await readdir(folder)).filter(isOld).sort().reverse();
    const now = this.#clock.now();
    const isSpent = (name: string, index: number) => {
      const stamp = name.slice(stem.length + 1, name.length - extension.length);
      const [day, time = ''] = stamp.split('T');
      const madeAt = Date.parse(`${day}T${time.replaceAll('-', ':')}Z`);
      return (maxBackups > 0 && index >= maxBackups) || (maxAgeMs > 0 && now - madeAt > maxAgeMs);
    };
    await Promise.all(old.filter(isSpent).map((name) => unlink(join(folder, name))));
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    while (this.#writing || this.#lines.length > 0) {
      this.#flush();
      await this.#writing;
    }
    this.#timer?.[Symbol.dispose]();
    await this.#file?.close();
    this.#file = undefined;
  }
}
