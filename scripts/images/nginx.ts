// nginx: Debian's, arranged like Docker Hub's image, under the tags that ten years of articles use.
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addBusybox } from './busybox.ts';
import type { Recipe } from './recipe.ts';
import { addLink, addRootFiles, dropDocumentation, mergeUsr } from './root-files.ts';

const tags = [
  '1.7.9',
  '1.7.9-alpine',
  '1.7.5',
  '1.7.1',
  '1.8',
  '1.9',
  '1.9.1',
  '1.10',
  '1.11',
  '1.12',
  '1.13',
  '1.14',
  '1.14.2',
  '1.15',
  '1.15.2',
  '1.15.12',
  '1.16',
  '1.16.1',
  '1.17',
  '1.17.1',
  '1.19',
  '1.20',
  '1.21',
  '1.22',
  '1.23',
  '1.25',
  '1.26',
  '1.27',
  '1.28',
  '1.29',
  'stable',
  'mainline',
  'alpine',
  'latest',
];

const errorPage = `<!DOCTYPE html>
<html><head><title>Error</title></head>
<body><h1>An error occurred.</h1></body></html>
`;

export const nginx: Recipe = {
  name: 'nginx',
  async cook(kitchen) {
    const base = await kitchen.layer('nginx', async (root) => {
      await addRootFiles(root);
      await kitchen.packages.unpack(['nginx', 'bash', 'curl', 'ca-certificates'], root);
      await mergeUsr(root);
      await addBusybox(kitchen, root);
      await dropDocumentation(root);
      for (const folder of ['etc/init.d', 'usr/lib/systemd', 'etc/ufw', 'etc/default', 'etc/logrotate.d']) {
        await rm(join(root, folder), { recursive: true, force: true });
      }
      await mkdir(join(root, 'etc/nginx/conf.d'), { recursive: true });
      await copyFile(join(kitchen.recipesFolder, 'nginx/nginx.conf'), join(root, 'etc/nginx/nginx.conf'));
      await copyFile(join(kitchen.recipesFolder, 'nginx/default.conf'), join(root, 'etc/nginx/conf.d/default.conf'));
      await writeFile(join(root, 'usr/share/nginx/html/50x.html'), errorPage);
      await addLink(root, 'var/log/nginx/access.log', '/dev/stdout');
      await addLink(root, 'var/log/nginx/error.log', '/dev/stderr');
    });
    const images = [];
    for (const tag of tags) {
      const mark = await kitchen.layer(`nginx-${tag}`, async (root) => {
        await mkdir(join(root, 'etc/nginx/conf.d'), { recursive: true });
        await chmod(join(root, 'etc/nginx/conf.d'), 0o755);
        await writeFile(join(root, 'etc/image-tag'), `nginx:${tag}\n`);
        await writeFile(join(root, 'etc/nginx/conf.d/image.conf'), `add_header X-Image "nginx:${tag}" always;\n`);
      });
      images.push({
        references: [`nginx:${tag}`],
        layers: [base, mark],
        config: { cmd: ['nginx', '-g', 'daemon off;'], exposedPorts: ['80/tcp'], stopSignal: 'SIGQUIT' },
      });
    }
    return images;
  },
};
