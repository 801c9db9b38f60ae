// Writes an image archive that both `docker load` and `ctr images import` take: an OCI layout with docker's
// manifest.json beside it. Images of one archive share the layers they have in common.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import type { Layer } from './layer.ts';
import { familiarReference, normaliseReference } from './reference.ts';

/** What a container of the image runs as, unless its pod says otherwise. */
export interface ImageConfig {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  /** `NAME=value`. */
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  /** `80/tcp`. */
  readonly exposedPorts?: readonly string[];
  readonly stopSignal?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ImageSpec {
  readonly references: readonly string[];
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const mediaTypes = {
  layer: 'application/vnd.oci.image.layer.v1.tar',
  config: 'application/vnd.oci.image.config.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
} as const;

/** The platform of images made on this machine, in OCI's words. */
export const hostPlatform = {
  os: 'linux',
  architecture: ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[process.arch] ?? process.arch,
};

/** Writes all `images` into one archive at `out`, whole or not at all. */
export async function writeArchive(images: readonly ImageSpec[], out: string): Promise<void> {
  const blobs = new Map<string, Buffer | Layer>();
  const index: object[] = [];
  const dockerManifest: object[] = [];
  for (const image of images) {
    for (const layer of image.layers) blobs.set(layer.digest, layer);
    const config = addJson(blobs, mediaTypes.config, imageConfig(image));
    const layers = image.layers.map((layer) => ({
      mediaType: mediaTypes.layer,
      digest: layer.digest,
      size: layer.sizeBytes,
    }));
    const body = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers };
    const manifest = addJson(blobs, mediaTypes.manifest, body);
    for (const reference of image.references) {
      const annotations = { 'io.containerd.image.name': normaliseReference(reference) };
      index.push({ ...manifest, platform: hostPlatform, annotations });
    }
    dockerManifest.push({
      Config: blobPath(config.digest),
      RepoTags: image.references.map((reference) => familiarReference(normaliseReference(reference))),
      Layers: image.layers.map((layer) => blobPath(layer.digest)),
    });
  }
  await writeTar(out, [
    ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
    ['index.json', json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: index })],
    ['manifest.json', json(dockerManifest)],
    ...[...blobs].map(([digest, blob]) => [blobPath(digest), blob] as const),
  ]);
}

function imageConfig(image: ImageSpec): object {
  const { config } = image;
  const ports = config.exposedPorts && Object.fromEntries(config.exposedPorts.map((port) => [port, {}]));
  return {
    created: '1970-01-01T00:00:00Z',
    ...hostPlatform,
    config: {
      User: config.user,
      ExposedPorts: ports,
      Env: config.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Entrypoint: config.entrypoint,
      Cmd: config.cmd,
      WorkingDir: config.workingDir,
      Labels: config.labels,
      StopSignal: config.stopSignal,
    },
    rootfs: { type: 'layers', diff_ids: image.layers.map((layer) => layer.digest) },
    history: image.layers.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'coracle' })),
  };
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const blobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`;

function addJson(blobs: Map<string, Buffer | Layer>, mediaType: string, value: object): Descriptor {
  const bytes = json(value);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

async function writeTar(out: string, files: readonly (readonly [string, Buffer | Layer])[]): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createWriteStream(`${out}.partial`));
  const filled = (async () => {
    for (const [name, content] of files) {
      const header = { name, mode: 0o644, mtime: new Date(0) };
      if (Buffer.isBuffer(content)) archive.entry(header, content);
      else await pipeline(createReadStream(content.path), archive.entry({ ...header, size: content.sizeBytes }));
    }
    archive.finalize();
  })().catch((error: Error) => archive.destroy(error));
  await Promise.all([written, filled]);
  await rename(`${out}.partial`, out);
}
