// What `coracle image` does, for a cluster known by its layout.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerdSocket, findContainerd } from '../../kubelet/runtime/containerd-daemon.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import { askVersion } from '../nodes/machine-runtime.ts';
import { nodesHere } from '../nodes/nodes-here.ts';
import type { Layout } from '../settings/layout.ts';
import type { MachineRuntime } from '../settings/runtime-endpoint.ts';
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

/** The sockets of the containerds of all nodes here. @throws UserFailure when the cluster is not up */
async function socketsOf(layout: Layout): Promise<[first: string, ...others: string[]]> {
  const plans = nodesHere(layout);
  const [machineRuntime] = plans.flatMap((plan) => plan.machineRuntime ?? []);
  if (machineRuntime) return [await socketOfContainerd(machineRuntime)];
  const folders = plans.map(({ containerd }) => containerd);
  const pids = await Promise.all(folders.map(findContainerd));
  const [first, ...others] = folders.filter((_, index) => pids[index]).map(containerdSocket);
  if (first === undefined) {
    throw new UserFailure(
      exitCodes.notRunning,
      'E_NOT_RUNNING',
      `cluster "${layout.name}" runs no containers now (${layout.dataDir})`,
      `coracle up --name ${layout.name}`,
    );
  }
  return [first, ...others];
}

/** The machine's own runtime takes archives when it is a containerd: CRI itself has no such call. @throws UserFailure */
async function socketOfContainerd(runtime: MachineRuntime): Promise<string> {
  const socket = runtime.imageSocket ?? runtime.socket;
  const { name } = await askVersion(runtime);
  if (name === 'containerd') return socket;
  throw new UserFailure(
    exitCodes.usage,
    'E_CONTAINER_RUNTIME',
    `${name} at ${socket} takes no archives`,
    'put it into its storage: skopeo copy docker-archive:FILE containers-storage:NAME (or podman load -i FILE, as root)',
  );
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
  const references = await importEverywhere(layout, file).catch((error) => {
    if (error instanceof UserFailure) throw error;
    const remedy = 'write one with docker save, or make one of a folder: coracle image build FOLDER -t NAME';
    throw new UserFailure(exitCodes.usage, 'E_BAD_IMAGE', (error as Error).message, remedy);
  });
  return references.map(familiarReference);
}

/** Every node gets the images: a pod may come to any. */
async function importEverywhere(layout: Layout, archive: string): Promise<string[]> {
  const sockets = await socketsOf(layout);
  const [references] = await Promise.all(sockets.map((socket) => importArchive(archive, socket)));
  return references!;
}

/** Those of the first node. */
export async function listClusterImages(layout: Layout): Promise<ClusterImage[]> {
  const [first] = await socketsOf(layout);
  const images = await listImages(first);
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
    const [name] = await importEverywhere(layout, archive);
    return familiarReference(name!);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
