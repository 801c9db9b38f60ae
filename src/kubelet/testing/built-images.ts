// The images that `make images` has made: pause and busybox.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../build/images');

/** Archives for `ctr images import`. */
export const builtImages: readonly string[] = ['pause', 'busybox'].map((name) => join(folder, `${name}.tar`));

/** Why they can not be used. */
export const lacksImages = (): string | undefined =>
  builtImages.every((path) => existsSync(path)) ? undefined : 'needs the images that make images makes';
