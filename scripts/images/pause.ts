// pause: what a pod's sandbox runs.
import { execFile } from 'node:child_process';
import { chmod, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addBusybox } from './busybox.ts';
import type { Recipe } from './recipe.ts';

export const pause: Recipe = {
  name: 'pause',
  async cook(kitchen) {
    const layer = await kitchen.layer('pause', async (root) => {
      const program = join(root, 'pause');
      const source = join(kitchen.recipesFolder, 'pause/pause.c');
      const flags = ['-static', '-Os', '-s', '-Wl,--build-id=none', '-o', program, source];
      try {
        await promisify(execFile)('gcc', flags);
      } catch {
        // No compiler, or no static libc: a script does the same, only larger.
        await addBusybox(kitchen, root);
        await copyFile(join(kitchen.recipesFolder, 'pause/pause.sh'), program);
      }
      await chmod(program, 0o755);
    });
    const references = ['3.6', '3.8', '3.9', '3.10', '3.10.1', '3.10.2'].map((tag) => `registry.k8s.io/pause:${tag}`);
    return [{ references, layers: [layer], config: { entrypoint: ['/pause'], user: '65535:65535' } }];
  },
};
