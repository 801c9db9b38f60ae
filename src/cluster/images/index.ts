// What `coracle image` does, for a cluster known by its layout.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerdSocket, findContainerd } from '../../kubelet/runtime/containerd-daemon.ts';
import { exitCodes, UserFailure } from '../failure.ts';
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

/** The socket of the cluster's containerd. @throws UserFailure when it is not up */
async function socketOf(layout: Layout): Promise<string> {
  if (!(await findContainerd(layout.containerd))) {
    throw new UserFailure(
      exitCodes.notRunning,
      'E_NOT_RUNNING',
      `cluster "${layout.name}" runs no containers now (${layout.dataDir})`,
      `coracle up --name ${layout.name}`,
    );
  }
  return containerdSocket(layout.containerd);
}

/** Loads the images of an archive; a folder is taken as a root filesystem and named after itself. */
export async function importImages(layout: Layout, file: string): Promise<string[]> {
  const found = await stat(file).catch(() => undefined);
  if (!found)
    throw new UserFailure(exitCodes.missing, 'E_NO_FILE', `${file} is not there`, 'name an archive or a folder');
  if (found.isDirectory()) {
    const reference = file.replace(/\/+$/, '').split('/').at(-1)!;
    return [await buildImage(layout, { folder: file, reference, command: ['/bin/sh'] })];
  }
  const socket = await socketOf(layout);
  const references = await importArchive(file, socket).catch((error) => {
    const remedy = 'write one with docker save, or make one of a folder: coracle image build FOLDER -t NAME';
    throw new UserFailure(exitCodes.usage, 'E_BAD_IMAGE', (error as Error).message, remedy);
  });
  return references.map(familiarReference);
}

export async function listClusterImages(layout: Layout): Promise<ClusterImage[]> {
  const images = await listImages(await socketOf(layout));
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
    const [name] = await importArchive(archive, await socketOf(layout));
    return familiarReference(name!);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
