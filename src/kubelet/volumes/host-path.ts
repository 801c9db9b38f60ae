import type { Stats } from 'node:fs';
import { chmod, mkdir, open, stat } from 'node:fs/promises';
import { onMachine } from '../node/kubelet-root.ts';
import type { VolumeDriver } from './volume-driver.ts';

interface TypeCheck {
  readonly isRight: (stats: Stats) => boolean;
  readonly word: string;
}

const checks: Record<string, TypeCheck> = {
  Directory: { isRight: (stats) => stats.isDirectory(), word: 'a directory' },
  File: { isRight: (stats) => stats.isFile(), word: 'a file' },
  Socket: { isRight: (stats) => stats.isSocket(), word: 'a socket file' },
  CharDevice: { isRight: (stats) => stats.isCharacterDevice(), word: 'a character device' },
  BlockDevice: { isRight: (stats) => stats.isBlockDevice(), word: 'a block device' },
};

/** A path of the host, checked or made as its type says; below /var/lib/kubelet, of the node's own folder. */
export const hostPath: VolumeDriver = {
  field: 'hostPath',
  name: 'host-path',
  async setUp({ volume, nodeDir }) {
    const { type } = volume.hostPath!;
    const path = onMachine(volume.hostPath!.path, nodeDir);
    await ensureHostPath(path, type ?? '');
    return { hostPath: path, isReadOnly: false };
  },
};

export async function ensureHostPath(path: string, type: string): Promise<void> {
  if (type === '') return;
  const stats = await stat(path).catch(() => undefined);
  if (!stats && type === 'DirectoryOrCreate') {
    await mkdir(path, { recursive: true, mode: 0o755 });
    await chmod(path, 0o755);
    return;
  }
  if (!stats && type === 'FileOrCreate') {
    await (await open(path, 'a', 0o644)).close();
    return;
  }
  const check = checks[type.replace('OrCreate', '')];
  if (check && !(stats && check.isRight(stats)))
    throw new Error(`hostPath type check failed: ${path} is not ${check.word}`);
}
