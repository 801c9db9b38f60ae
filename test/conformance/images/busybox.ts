// busybox from the sources that Debian keeps, as upstream configures it. Debian's own build will not do: its shell drops
// environment variables whose names no shell could set, and specs look for those.
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recipe } from '../../../scripts/images/recipe.ts';
import { addLink, addRootFiles } from '../../../scripts/images/root-files.ts';
import { ensureBusybox } from '../busybox-program.ts';
import { command } from '../command.ts';
import { testImage } from './references.ts';

export const busybox: Recipe = {
  name: 'busybox',
  async cook(kitchen) {
    const program = await ensureBusybox();
    const layer = await kitchen.layer('busybox', async (root) => {
      await addRootFiles(root);
      await mkdir(join(root, 'bin'), { recursive: true });
      await copyFile(program, join(root, 'bin/busybox'));
      await chmod(join(root, 'bin/busybox'), 0o755);
      for (const name of (await command(program, ['--list'])).split('\n'))
        if (name && name !== 'busybox') await addLink(root, `bin/${name}`, 'busybox');
    });
    return [{ references: [testImage('busybox:1.37.0-1')], layers: [layer], config: { cmd: ['sh'] } }];
  },
};
