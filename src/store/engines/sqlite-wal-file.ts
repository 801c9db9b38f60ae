// The write-ahead log's file. SQLite writes it and this flushes it: SQLite's own flush (fsync) also waits for what changed
// beside the data, such as the time of the last write, for which the file system writes its journal with each commit. For
// the same reason the file is given the length it will reach before that is needed. SQLite reads the log up to the first
// frame whose checksum does not continue what came before, so that zeros behind its end mean nothing to it.
import { close, closeSync, fdatasync, fdatasyncSync, fstatSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';

/** How much longer it is made at once, which keeps the thread for less than a millisecond. */
const stepBytes = 1 << 20;
/** A server that starts has better things to do. */
const growAfterMs = 1000;

const flushAside = promisify(fdatasync);

export class WalFile {
  readonly #path: string;
  readonly #file: number;
  readonly #fullBytes: number;
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  /** `fullBytes`: the log begins anew at about that length. */
  constructor(path: string, fullBytes: number) {
    this.#path = path;
    this.#fullBytes = fullBytes;
    this.#file = openSync(path, 'r+');
    this.#timer = setTimeout(() => void this.#grow(), growAfterMs).unref();
  }

  /** What SQLite has written to the log is on the disk when this returns. */
  flush(): void {
    fdatasyncSync(this.#file);
  }

  /** Each step is written while SQLite does not write, and flushed by another thread. */
  async #grow(): Promise<void> {
    // A file descriptor of its own: a failure to write is told to each once, and `flush` must not miss one.
    let file: number | undefined;
    try {
      file = openSync(this.#path, 'r+');
      const zeros = Buffer.alloc(stepBytes);
      for (let { size } = fstatSync(file); size < this.#fullBytes && !this.#isClosed; { size } = fstatSync(file)) {
        writeSync(file, zeros, 0, stepBytes, size);
        await flushAside(file);
      }
    } catch {
      // A full disk, say: each commit makes its own room then.
    } finally {
      if (file !== undefined) close(file);
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    closeSync(this.#file);
  }
}
