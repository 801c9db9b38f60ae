// The kernel takes no more than 107 letters for a unix socket; folders of nodes and names of drivers may be longer.
import { closeSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const maxBytes = 107;

export interface ReachableSocket {
  /** Leads to the same socket, and is short enough. */
  readonly path: string;
  /** Once the path is not needed any more. */
  close(): void;
}

/** A path the kernel takes. A folder that is not there yet leaves it as it is. */
export function reachableSocket(path: string): ReachableSocket {
  if (Buffer.byteLength(path) <= maxBytes) return { path, close: () => undefined };
  let folder: number;
  try {
    folder = openSync(dirname(path), 'r');
  } catch {
    return { path, close: () => undefined };
  }
  return { path: `/proc/self/fd/${folder}/${basename(path)}`, close: () => closeSync(folder) };
}
