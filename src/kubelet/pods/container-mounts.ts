// A container's mounts: its volumes, /etc/hosts, the termination log.
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod, VolumeMount } from '../../../generated/core-v1.ts';
import type { ImageAnswer } from '../images/image-puller.ts';
import type { MountConfig } from '../runtime/runtime.ts';
import type { ReadyVolume } from '../volumes/volume-driver.ts';
import type { PodVolumes } from '../volumes/volume-manager.ts';
import { ConfigError } from './environment.ts';
import { expandVariables } from './expand.ts';
import { isRecursivelyReadOnly } from './recursive-read-only.ts';

export interface MountsInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly volumes: PodVolumes;
  readonly ready: ReadonlyMap<string, ReadyVolume>;
  readonly imageVolumes: ReadonlyMap<string, ImageAnswer>;
  readonly environment: ReadonlyMap<string, string>;
  readonly hostsFile: string | undefined;
  readonly restartCount: number;
  /** The runtime can make mounts read-only with all that is mounted below them. */
  readonly hasRecursiveReadOnly: boolean;
}

const propagation = {
  None: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const;

export function terminationLogPath(podDir: string, container: string, restartCount: number): string {
  return join(podDir, 'containers', container, `${restartCount}`);
}

export async function containerMounts(input: MountsInput): Promise<MountConfig[]> {
  const { pod, container, volumes } = input;
  const mounts = await Promise.all((container.volumeMounts ?? []).map((_, index) => volumeMount(input, index)));
  const taken = new Set(mounts.map(({ containerPath }) => containerPath.replace(/\/$/, '')));
  if (input.hostsFile && !taken.has('/etc/hosts'))
    mounts.push({ containerPath: '/etc/hosts', hostPath: await writeHosts(input), readonly: false });
  const termination = container.terminationMessagePath || '/dev/termination-log';
  if (!taken.has(termination)) {
    const path = terminationLogPath(volumes.podDir(pod.metadata.uid!), container.name, input.restartCount);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, '', { mode: 0o666 });
    await chmod(path, 0o666); // whatever user the container runs as
    mounts.push({ containerPath: termination, hostPath: path, readonly: false });
  }
  return mounts;
}

async function writeHosts({ pod, volumes, hostsFile }: MountsInput): Promise<string> {
  const path = join(volumes.podDir(pod.metadata.uid!), 'etc-hosts');
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, hostsFile!, { mode: 0o644 });
  return path;
}

async function volumeMount(
  { pod, container, volumes, ready, imageVolumes, environment, hasRecursiveReadOnly }: MountsInput,
  index: number,
): Promise<MountConfig> {
  const mount = container.volumeMounts![index]!;
  const volume = ready.get(mount.name);
  if (!volume) throw new ConfigError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
  const source = pod.spec.volumes?.find(({ name }) => name === mount.name);
  const containerPath = mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`;
  const options = {
    readonly: mount.readOnly === true || volume.isReadOnly,
    propagation: propagation[mount.mountPropagation ?? 'None'],
    ...recursively(mount, hasRecursiveReadOnly),
  };
  const subPath = subPathOf(mount, environment, pod, container);
  if (source?.image) {
    const pulled = imageVolumes.get(mount.name);
    const reference = source.image.reference ?? '';
    const image = { image: pulled && 'image' in pulled ? pulled.image.id : reference, userSpecifiedImage: reference };
    return { containerPath, hostPath: '', image, ...options, ...(subPath ? { imageSubPath: subPath } : {}) };
  }
  if (!subPath) return { containerPath, hostPath: volume.hostPath, ...options };
  try {
    const hostPath = await volumes.subPath(pod, mount.name, volume.hostPath, subPath, container.name, index);
    return { containerPath, hostPath, ...options };
  } catch (error) {
    throw new ConfigError(
      `failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`,
      { cause: error },
    );
  }
}

function recursively(mount: VolumeMount, canBe: boolean): { recursiveReadOnly?: true } {
  try {
    return isRecursivelyReadOnly(mount, canBe) ? { recursiveReadOnly: true } : {};
  } catch (error) {
    throw new ConfigError(`failed to resolve recursive read-only mode: ${(error as Error).message}`);
  }
}

function subPathOf(
  { subPath = '', subPathExpr }: { subPath?: string; subPathExpr?: string },
  environment: ReadonlyMap<string, string>,
  pod: Pod,
  container: Container,
): string {
  if (!subPathExpr) return subPath;
  const missing = new Set<string>();
  const expanded = expandVariables(subPathExpr, (name) => {
    if (!environment.has(name)) missing.add(name);
    return environment.get(name);
  });
  if (missing.size > 0)
    throw new ConfigError(
      `missing value for ${[...missing].map((name) => JSON.stringify(name)).join(', ')} in subPathExpr of ${pod.metadata.name}/${container.name}`,
    );
  if (expanded.startsWith('/')) throw new ConfigError(`error SubPath \`${expanded}\` must not be an absolute path`);
  if (expanded.split('/').includes('..'))
    throw new ConfigError(`unable to provision SubPath \`${expanded}\`: must not contain '..'`);
  return expanded;
}
