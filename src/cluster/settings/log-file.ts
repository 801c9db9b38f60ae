// A component's log: appended lines, cut over to NAME.log.1 when the file has grown past its bound.
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

const maxBytes = 10 * 1024 * 1024;

/** Gives a writer of whole lines. Each write is small and goes to the page cache. */
export function openLogFile(file: string): { write(line: string): void } & Disposable {
  let descriptor = openSync(file, 'a', 0o600);
  let size = fstatSync(descriptor).size;
  return {
    write(line) {
      if (size > maxBytes) {
        closeSync(descriptor);
        renameSync(file, `${file}.1`);
        descriptor = openSync(file, 'a', 0o600);
        size = 0;
      }
      size += writeSync(descriptor, line);
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}
