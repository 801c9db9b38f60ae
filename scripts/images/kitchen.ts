// Cooks a recipe: scratch folders and layers that are gone when the archive is written.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeArchive } from '../../src/cluster/images/archive-writer.ts';
import { packLayer } from '../../src/cluster/images/layer.ts';
import { debianPackages } from './debian-packages.ts';
import type { Kitchen, Recipe } from './recipe.ts';

export interface KitchenPlaces {
  /** For downloaded packages and scratch folders; large. */
  readonly cacheFolder: string;
  /** The checked-in folder `images/`. */
  readonly recipesFolder: string;
}

/** Writes the images of `recipe` into the archive `out`. */
export async function cook(recipe: Recipe, out: string, places: KitchenPlaces): Promise<void> {
  const { cacheFolder, recipesFolder } = places;
  const scratch = await mkdtemp(join(cacheFolder, `${recipe.name}-`));
  let made = 0;
  const kitchen: Kitchen = {
    packages: debianPackages(join(cacheFolder, 'debs')),
    recipesFolder,
    scratch: (name) => mkdtemp(join(scratch, `${name}-`)),
    async layer(_name, fill) {
      const root = join(scratch, `layer-${made++}`);
      await mkdir(root);
      await fill(root);
      return packLayer(root, `${root}.tar`);
    },
  };
  try {
    await writeArchive(await recipe.cook(kitchen), out);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
