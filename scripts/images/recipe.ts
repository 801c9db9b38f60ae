// What a recipe is given and what it gives.
import type { ImageSpec } from '../../src/cluster/images/archive-writer.ts';
import type { Layer } from '../../src/cluster/images/layer.ts';
import type { PackageSource } from './debian-packages.ts';

export interface Kitchen {
  readonly packages: PackageSource;
  /** The checked-in folder `images/`. */
  readonly recipesFolder: string;
  /** A new empty folder, removed when the build is over. */
  scratch(name: string): Promise<string>;
  /** Packs what the function put into a new folder. */
  layer(name: string, fill: (root: string) => Promise<void>): Promise<Layer>;
}

export interface Recipe {
  /** The archive: `build/images/NAME.tar`. */
  readonly name: string;
  cook(kitchen: Kitchen): Promise<readonly ImageSpec[]>;
}
