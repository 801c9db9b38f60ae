// Builds the test images into build/images/*.tar. Does nothing where they are up to date. `--force` builds anyway.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { busybox } from './images/busybox.ts';
import { cook } from './images/kitchen.ts';
import { nginx } from './images/nginx.ts';
import { pause } from './images/pause.ts';
import type { Recipe } from './images/recipe.ts';

const recipes: readonly Recipe[] = [pause, busybox, nginx];

const repository = join(import.meta.dirname, '..');
const outFolder = join(repository, 'build/images');
const cacheFolder = join(repository, 'build/cache/images');
const recipesFolder = join(repository, 'images');

process.umask(0o022); // modes go into the layers
await mkdir(outFolder, { recursive: true });
await mkdir(cacheFolder, { recursive: true });
const stampFile = join(cacheFolder, 'stamp');
const stamp = await inputsDigest();
const isFresh = existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp;
for (const recipe of recipes) {
  const out = join(outFolder, `${recipe.name}.tar`);
  if (isFresh && existsSync(out) && !process.argv.includes('--force')) continue;
  const started = performance.now();
  await cook(recipe, out, { cacheFolder, recipesFolder });
  const size = ((await stat(out)).size / 2 ** 20).toFixed(1);
  console.log(`${relative(repository, out)}: ${size} MiB in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
await writeFile(stampFile, stamp);

/** Changes whenever what the images are made from changes: recipes, checked-in files, how archives are written. */
async function inputsDigest(): Promise<string> {
  const folders = [recipesFolder, join(import.meta.dirname, 'images'), join(repository, 'src/cluster/images')];
  const hash = createHash('sha256');
  for (const folder of folders) {
    const names = (await readdir(folder, { recursive: true })).sort();
    for (const name of names) {
      const path = join(folder, name);
      if ((await stat(path)).isFile() && !/(\.test\.ts|\.md)$/.test(name))
        hash.update(`${name}\0`).update(await readFile(path));
    }
  }
  return hash.digest('hex');
}
