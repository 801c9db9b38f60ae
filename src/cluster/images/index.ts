// What `coracle image` does, for a cluster known by its layout.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerdSocket } from '../../kubelet/runtime/containerd-daemon.ts';
import type { Layout } from '../layout.ts';
import { importArchive, listImages } from './containerd-images.ts';
import { packRootfs } from './pack-rootfs.ts';
import { familiarReference } from './reference.ts';

export interface ClusterImage {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface BuildRequest {
  /** The root filesystem. */
  readonly folder: string;
  readonly reference: string;
  readonly command: readonly string[];
  /** Write the archive here and load nothing. */
  readonly output?: string;
}

/** Loads the images of an archive; a folder is taken as a root filesystem and named after itself. */
export async function importImages(layout: Layout, file: string): Promise<string[]> {
  if ((await stat(file)).isDirectory()) {
    const reference = file.replace(/\/+$/, '').split('/').at(-1)!;
    return [await buildImage(layout, { folder: file, reference, command: ['/bin/sh'] })];
  }
  const references = await importArchive(file, containerdSocket(layout.containerd));
  return references.map(familiarReference);
}

export async function listClusterImages(layout: Layout): Promise<ClusterImage[]> {
  const images = await listImages(containerdSocket(layout.containerd));
  return images.map(({ reference, sizeBytes }) => ({ name: familiarReference(reference), sizeBytes }));
}

/** Makes an image of a folder and loads it, or leaves its archive; gives the image's name, or the file's. */
export async function buildImage(layout: Layout, request: BuildRequest): Promise<string> {
  const config = request.command.length > 0 ? { cmd: request.command } : {};
  if (request.output) {
    await packRootfs(request.folder, config, request.reference, request.output);
    return request.output;
  }
  const scratch = await mkdtemp(join(tmpdir(), 'coracle-image-'));
  try {
    const archive = join(scratch, 'image.tar');
    await packRootfs(request.folder, config, request.reference, archive);
    const [name] = await importArchive(archive, containerdSocket(layout.containerd));
    return familiarReference(name!);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
