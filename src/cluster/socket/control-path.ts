// Where the control socket is. A socket's path has 107 bytes at most: a longer one is reached through its open folder.
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from '../settings/layout.ts';

export interface ControlPath extends Disposable {
  readonly file: string;
  /** What to listen on or connect to, until disposed. */
  readonly address: string;
}

const maxPathBytes = 107;

export function controlPath(layout: Layout): ControlPath {
  const file = join(layout.dataDir, 'control.sock');
  if (Buffer.byteLength(file) <= maxPathBytes) return { file, address: file, [Symbol.dispose]() {} };
  const folder = openSync(layout.dataDir, 'r');
  const address = `/proc/self/fd/${folder}/control.sock`;
  return { file, address, [Symbol.dispose]: () => closeSync(folder) };
}
