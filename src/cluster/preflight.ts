// What a real node needs of the machine, looked at before anything starts. The first thing missing is reported with the
// command that mends it.
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { exitCodes, UserFailure } from './failure.ts';

/** Of a containerd that is the node's own. */
export interface Programs {
  readonly containerd: string;
  readonly runc: string;
  /** Folder with the CNI plugins. */
  readonly cniPlugins: string;
}

const cniFolders = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'];
const neededPlugins = ['bridge', 'host-local', 'loopback', 'portmap'];

/** Finds a program on PATH and in the sbin folders that a plain user's PATH leaves out. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((file) => isExecutable(file));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What a node needs that starts a containerd of its own. @throws UserFailure for the first thing that is missing. */
export function checkRealNode(): Programs {
  checkNodeBasics();
  const cniPlugins = cniFolders.find((folder) => neededPlugins.every((plugin) => existsSync(join(folder, plugin))));
  if (!cniPlugins) {
    throw new UserFailure(
      exitCodes.missing,
      'E_NO_CNI',
      `CNI plugins not found (${neededPlugins.join(', ')} in ${cniFolders.join(', ')})`,
      'apt-get install containernetworking-plugins',
    );
  }
  return { containerd: requireProgram('containerd', 'containerd'), runc: requireProgram('runc', 'runc'), cniPlugins };
}

/** What every node needs, whosever the runtime is. @throws UserFailure */
export function checkNodeBasics(): void {
  if (process.getuid?.() !== 0) {
    throw new UserFailure(
      exitCodes.permission,
      'E_NOT_ROOT',
      'a node that runs containers needs root',
      'sudo coracle up; or without containers: coracle up --nodes simulated:1',
    );
  }
  requireProgram('nft', 'nftables');
}

function requireProgram(name: string, debianPackage: string): string {
  const found = findProgram(name);
  if (found) return found;
  const code = `E_NO_${name.toUpperCase()}`;
  throw new UserFailure(exitCodes.missing, code, `${name} not found on PATH`, `apt-get install ${debianPackage}`);
}
