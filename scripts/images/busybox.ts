// busybox: one static program, a link for each of its commands.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Kitchen, Recipe } from './recipe.ts';
import { addLink, addRootFiles } from './root-files.ts';

export const busybox: Recipe = {
  name: 'busybox',
  async cook(kitchen) {
    const layer = await kitchen.layer('busybox', async (root) => {
      await addRootFiles(root);
      await addBusybox(kitchen, root);
    });
    const tags = ['latest', '1.28', '1.35', '1.36', '1.36.1', '1.37', 'musl', 'stable', 'glibc'];
    const references = [...tags.map((tag) => `busybox:${tag}`), 'registry.k8s.io/e2e-test-images/busybox:1.37.0-1'];
    return [{ references, layers: [layer], config: { cmd: ['sh'] } }];
  },
};

/** Puts /bin/busybox and its links into `root`, leaving commands that are there already. */
export async function addBusybox(kitchen: Kitchen, root: string): Promise<void> {
  const unpacked = await kitchen.scratch('busybox-static');
  await kitchen.packages.unpack(['busybox-static'], unpacked);
  const candidates = ['bin/busybox', 'usr/bin/busybox'].map((path) => join(unpacked, path));
  const program = candidates.find((path) => existsSync(path));
  if (!program) throw new Error('busybox-static holds no busybox');
  await mkdir(join(root, 'bin'), { recursive: true });
  await copyFile(program, join(root, 'bin/busybox'));
  const { stdout } = await promisify(execFile)(program, ['--list']);
  for (const command of stdout.split('\n').filter((name) => name && name !== 'busybox')) {
    const isThere = ['bin', 'usr/bin', 'sbin', 'usr/sbin'].some((folder) => existsSync(join(root, folder, command)));
    if (!isThere) await addLink(root, `bin/${command}`, '/bin/busybox');
  }
}
