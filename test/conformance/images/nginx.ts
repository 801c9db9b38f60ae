// nginx in the foreground with its welcome page.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recipe } from '../../../scripts/images/recipe.ts';
import { addLink, addRootFiles, dropDocumentation, mergeUsr } from '../../../scripts/images/root-files.ts';
import { testImage } from './references.ts';

export const nginx: Recipe = {
  name: 'nginx',
  async cook(kitchen) {
    const layer = await kitchen.layer('nginx', async (root) => {
      await addRootFiles(root);
      await kitchen.packages.unpack(['nginx', 'dash', 'coreutils'], root);
      await mergeUsr(root);
      await dropDocumentation(root);
      await addLink(root, 'usr/bin/sh', 'dash');
      await mkdir(join(root, 'etc/nginx/conf.d'), { recursive: true });
      await copyFile(join(kitchen.recipesFolder, 'nginx/nginx.conf'), join(root, 'etc/nginx/nginx.conf'));
      await copyFile(join(kitchen.recipesFolder, 'nginx/default.conf'), join(root, 'etc/nginx/conf.d/default.conf'));
      await addLink(root, 'var/log/nginx/access.log', '/dev/stdout');
      await addLink(root, 'var/log/nginx/error.log', '/dev/stderr');
    });
    const config = { cmd: ['nginx', '-g', 'daemon off;'], exposedPorts: ['80/tcp'], stopSignal: 'SIGQUIT' };
    return [{ references: [testImage('nginx:1.15-4')], layers: [layer], config }];
  },
};
