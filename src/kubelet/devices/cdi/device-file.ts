// The file behind a device that a CDI file tells of. Where it has numbers and no file on this machine, one is made: the runtime reads the
// numbers of it.
import { execFile } from 'node:child_process';
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CdiDeviceNode } from './cdi-spec.ts';

const run = promisify(execFile);

/** @param folder for files that are made; the node's own */
export async function deviceFile(node: CdiDeviceNode, folder: string): Promise<string> {
  const path = node.hostPath || node.path;
  const { type, major, minor } = node;
  const exists = (file: string): Promise<boolean> =>
    lstat(file).then(
      () => true,
      () => false,
    );
  if (!type || !'bcu'.includes(type) || major === undefined || minor === undefined || (await exists(path))) return path;
  const made = join(folder, `${type}-${major}-${minor}`);
  if (await exists(made)) return made;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await run('mknod', ['-m', '0600', made, type, String(major), String(minor)]);
  return made;
}
