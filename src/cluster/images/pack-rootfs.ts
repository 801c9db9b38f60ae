// `coracle image build`: a folder that is a root filesystem becomes an image of one layer.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ImageConfig, writeArchive } from './archive-writer.ts';
import { packLayer } from './layer.ts';
import { normaliseReference } from './reference.ts';

/** Packs `folder` as image `reference` into the archive `out`; owners stay as they are in the folder. */
export async function packRootfs(folder: string, config: ImageConfig, reference: string, out: string): Promise<void> {
  const full = normaliseReference(reference);
  if (!(await stat(folder)).isDirectory()) throw new Error(`${folder}: not a folder`);
  const scratch = await mkdtemp(join(dirname(out), '.image-'));
  try {
    const layer = await packLayer(folder, join(scratch, 'layer.tar'), { owner: 'keep' });
    await writeArchive([{ references: [full], layers: [layer], config }], out);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
