// Images of one static program.
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Recipe } from '../../../scripts/images/recipe.ts';
import { addRootFiles } from '../../../scripts/images/root-files.ts';
import type { ImageConfig } from '../../../src/cluster/images/archive-writer.ts';
import { places } from '../places.ts';
import { testImage } from './references.ts';

interface ProgramImage {
  readonly name: string;
  readonly reference: string;
  /** The program's name and where it is in the image. */
  readonly program: string;
  readonly path: string;
  readonly mode: number;
  readonly config: ImageConfig;
}

function programImage({ name, reference, program, path, mode, config }: ProgramImage): Recipe {
  return {
    name,
    async cook(kitchen) {
      const layer = await kitchen.layer(name, async (root) => {
        await addRootFiles(root);
        const file = join(root, path);
        await mkdir(dirname(file), { recursive: true });
        await copyFile(join(places.programs, program), file);
        await chmod(file, mode);
      });
      return [{ references: [reference], layers: [layer], config }];
    },
  };
}

/** Set-uid: the spec sees whether it still gains root. */
export const nonewprivs = programImage({
  name: 'nonewprivs',
  reference: testImage('nonewprivs:1.4'),
  program: 'nnp',
  path: 'usr/local/bin/nnp',
  mode: 0o6755,
  config: { cmd: ['nnp'] },
});

export const sampleApiserver = programImage({
  name: 'sample-apiserver',
  reference: testImage('sample-apiserver:1.29.2'),
  program: 'sample-apiserver',
  path: 'sample-apiserver',
  mode: 0o755,
  config: { entrypoint: ['/sample-apiserver'] },
});

export const etcd = programImage({
  name: 'etcd',
  reference: 'registry.k8s.io/etcd:3.6.8-0',
  program: 'etcd',
  path: 'usr/local/bin/etcd',
  mode: 0o755,
  config: { cmd: ['etcd'] },
});
