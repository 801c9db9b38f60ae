// Folders of a file server, mounted by the system's own tool (Debian: nfs-common).
import { mkdir, rmdir } from 'node:fs/promises';
import type { NFSVolumeSource } from '../../../generated/core-v1.ts';
import type { Mounter } from './mounter.ts';
import type { ReadyVolume, VolumeDriver } from './volume-driver.ts';

export const nfs: VolumeDriver = {
  field: 'nfs',
  name: 'nfs',
  setUp: ({ volume, dir, services, signal }) => mountNfs(services.mounter, volume.nfs!, dir, [], signal),
};

/** May be repeated. @throws what the tool says, in upstream's words */
export async function mountNfs(
  mounter: Mounter,
  { server, path, readOnly = false }: NFSVolumeSource,
  dir: string,
  mountOptions: readonly string[],
  signal: AbortSignal,
): Promise<ReadyVolume> {
  const ready: ReadyVolume = { hostPath: dir, isReadOnly: readOnly };
  if ((await mounter.mountsBelow(dir)).includes(dir)) return ready;
  await mkdir(dir, { recursive: true, mode: 0o750 });
  const options = [...(readOnly ? ['ro'] : []), ...mountOptions];
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server;
  try {
    await mounter.mount('nfs', `${host}:${path}`, dir, options, signal);
  } catch (error) {
    if (!(await mounter.mountsBelow(dir)).includes(dir)) await rmdir(dir);
    throw error;
  }
  return ready;
}
