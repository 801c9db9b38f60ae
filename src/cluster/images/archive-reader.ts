// Looks into an image archive without unpacking it: which references it holds. Both forms are understood, OCI
// layout (index.json) and docker save (manifest.json), plain or gzipped.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { normaliseReference } from './reference.ts';

/** An index or manifest larger than this is not one that any tool writes. */
const maxDocumentBytes = 4 * 1024 * 1024;

interface OciIndex {
  manifests?: { annotations?: Record<string, string> }[];
}
type DockerManifest = { RepoTags?: string[] | null }[];

/** The full references an archive would bring. Throws when it is no image archive. */
export async function readArchiveReferences(file: string): Promise<string[]> {
  const documents = await readDocuments(file);
  const index = documents.get('index.json') as OciIndex | undefined;
  const manifest = documents.get('manifest.json') as DockerManifest | undefined;
  if (!index && !manifest) throw new Error(`${file}: neither an OCI nor a docker image archive`);
  const named = (index?.manifests ?? []).flatMap(({ annotations = {} }) => {
    const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
    return name ? [name] : [];
  });
  const tagged = Array.isArray(manifest) ? manifest.flatMap((image) => image.RepoTags ?? []) : [];
  return [...new Set([...named, ...tagged].map(normaliseReference))];
}

async function readDocuments(file: string): Promise<Map<string, unknown>> {
  const entries = extract();
  const unzip = (await isGzip(file)) ? createGunzip() : undefined;
  const source = createReadStream(file);
  const forward = (error: Error) => entries.destroy(error);
  source.on('error', forward);
  unzip?.on('error', forward);
  (unzip ? source.pipe(unzip) : source).pipe(entries);
  const documents = new Map<string, unknown>();
  try {
    for await (const entry of entries) {
      const name = entry.header.name.replace(/^\.\//, '');
      if (name !== 'index.json' && name !== 'manifest.json') {
        entry.resume();
        continue;
      }
      documents.set(name, JSON.parse(await readText(entry as AsyncIterable<unknown>, file)));
    }
  } catch (error) {
    throw new Error(`${file}: not a readable image archive`, { cause: error });
  } finally {
    source.destroy();
  }
  return documents;
}

async function readText(entry: AsyncIterable<unknown>, file: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of entry as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxDocumentBytes) throw new Error(`${file}: index larger than ${maxDocumentBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function isGzip(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return buffer[0] === 0x1f && buffer[1] === 0x8b;
}
