// A layer: a folder written as a tar whose bytes depend only on names, modes, links and content, so that the same
// input gives the same digest on every machine. Its digest is also its diff id, since layers stay uncompressed.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, readdir, readlink, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';

export interface Layer {
  readonly path: string;
  /** `sha256:…` of the uncompressed tar. */
  readonly digest: string;
  readonly sizeBytes: number;
}

export interface LayerOptions {
  /** Who owns the files inside: always root (the default), or whoever owns them in the folder. */
  readonly owner?: 'root' | 'keep';
  /** Modification time of every entry, in seconds since the epoch. */
  readonly mtimeSeconds?: number;
}

/** Writes `folder` as a layer to `out`; files, folders and symbolic links only, the rest is refused. */
export async function packLayer(folder: string, out: string, options: LayerOptions = {}): Promise<Layer> {
  const archive = pack();
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  const written = pipeline(archive, meter, createWriteStream(`${out}.partial`));
  const filled = addFolder(archive, folder, '', options).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  await Promise.all([written, filled]);
  await rename(`${out}.partial`, out);
  return { path: out, digest: `sha256:${hash.digest('hex')}`, sizeBytes };
}

type Archive = ReturnType<typeof pack>;
type Header = Parameters<Archive['entry']>[0];

async function addFolder(archive: Archive, root: string, inside: string, options: LayerOptions): Promise<void> {
  const names = (await readdir(join(root, inside))).sort();
  for (const name of names) {
    const path = inside ? `${inside}/${name}` : name;
    const stats = await lstat(join(root, path));
    const header = {
      name: path,
      mode: stats.mode & 0o7777,
      mtime: new Date((options.mtimeSeconds ?? 0) * 1000),
      uid: options.owner === 'keep' ? stats.uid : 0,
      gid: options.owner === 'keep' ? stats.gid : 0,
    };
    if (stats.isDirectory()) {
      await addEntry(archive, { ...header, type: 'directory' });
      await addFolder(archive, root, path, options);
    } else if (stats.isSymbolicLink()) {
      await addEntry(archive, { ...header, mode: 0o777, type: 'symlink', linkname: await readlink(join(root, path)) });
    } else if (stats.isFile()) {
      const entry = archive.entry({ ...header, type: 'file', size: stats.size });
      await pipeline(createReadStream(join(root, path)), entry);
    } else {
      throw new Error(`${join(root, path)}: only files, folders and symbolic links go into an image`);
    }
  }
}

function addEntry(archive: Archive, header: Header): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}
