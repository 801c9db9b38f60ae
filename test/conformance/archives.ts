// The archives of the suite's images, made when they are missing or their recipes have changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cook } from '../../scripts/images/kitchen.ts';
import { recipes } from './images/index.ts';
import { places, repository } from './places.ts';

/** Paths of the archives, after making those that are not up to date. */
export async function ensureArchives(): Promise<string[]> {
  process.umask(0o022); // modes go into the layers
  const stampFile = join(places.images, 'stamp');
  const stamp = digest();
  const isFresh = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  const recipesFolder = join(repository, 'images');
  const archives: string[] = [];
  for (const recipe of recipes) {
    const out = join(places.images, `${recipe.name}.tar`);
    archives.push(out);
    if (isFresh && existsSync(out)) continue;
    const started = performance.now();
    await cook(recipe, out, { cacheFolder: places.kitchen, recipesFolder });
    console.log(`made ${recipe.name}.tar in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
  writeFileSync(stampFile, stamp);
  return archives;
}

function digest(): string {
  const hash = createHash('sha256').update(readFileSync(join(places.programs, 'stamp')));
  const folders = [
    join(import.meta.dirname, 'images'),
    join(repository, 'scripts/images'),
    join(repository, 'images'),
    join(repository, 'src/cluster/images'),
  ];
  for (const folder of folders)
    for (const name of readdirSync(folder, { recursive: true }).map(String).sort()) {
      const path = join(folder, name);
      if (statSync(path).isFile() && !/(\.test\.ts|\.md)$/.test(name)) hash.update(name).update(readFileSync(path));
    }
  return hash.digest('hex');
}
