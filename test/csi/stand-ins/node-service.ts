// The driver's node service: bind mounts of folders, loop devices of files.
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GrpcError } from '../../../src/base/grpc.ts';
import type { GrpcMessage } from '../../../src/kubelet/grpc/proto.ts';
import type { UnaryHandler } from '../../../src/kubelet/grpc/unix-server.ts';
import { systemMounter } from '../../../src/kubelet/volumes/mounter.ts';
import { invalidArgument, need, notFound } from './controller-service.ts';
import { type DriverOptions, topologyKey } from './driver-options.ts';
import { type DriverState, system, type Volume } from './state.ts';

const isMounted = async (path: string): Promise<boolean> => (await systemMounter.mountsBelow(path)).includes(path);

export function nodeHandlers(options: DriverOptions, state: DriverState): Record<string, UnaryHandler> {
  const here = (path: string): string => path.replace(/^\/var\/lib\/kubelet(?=\/|$)/, options.kubeletDir);
  const get = (id: string): Volume => {
    need(id, 'Volume ID');
    const volume = state.volume(id);
    if (!volume) throw new GrpcError(`volume id ${id} does not exist in the volumes list`, notFound);
    return volume;
  };

  /** The loop device of its file. */
  const attachDevice = async (volume: Volume): Promise<string> => {
    if (!volume.device) {
      volume.device = await system('losetup', '-f', '--show', state.pathOf(volume.id));
      state.save();
    }
    return volume.device;
  };

  const detachDevice = async (volume: Volume): Promise<void> => {
    if (!volume.device) return;
    await system('losetup', '-d', volume.device);
    delete volume.device;
    state.save();
  };

  const publishFolder = async (volume: Volume, target: string, isReadonly: boolean): Promise<void> => {
    if (await isMounted(target)) return;
    await mkdir(target, { recursive: true, mode: 0o750 });
    await system('mount', '--bind', state.pathOf(volume.id), target);
    if (isReadonly) await system('mount', '-o', 'remount,bind,ro', target);
  };

  const publishDevice = async (volume: Volume, target: string): Promise<void> => {
    if (await isMounted(target)) return;
    const device = await attachDevice(volume);
    await mkdir(dirname(target), { recursive: true });
    await (await open(target, 'a')).close();
    await system('mount', '--bind', device, target);
  };

  return {
    NodeGetInfo: () => ({
      nodeId: options.nodeId,
      maxVolumesPerNode: options.maxVolumes,
      accessibleTopology: { segments: { [topologyKey(options)]: options.nodeId } },
    }),
    NodeGetCapabilities: () => ({
      capabilities: [
        ...(options.stages ? ['STAGE_UNSTAGE_VOLUME'] : []),
        'GET_VOLUME_STATS',
        'EXPAND_VOLUME',
        'SINGLE_NODE_MULTI_WRITER',
      ].map((type) => ({ rpc: { type } })),
    }),
    async NodeStageVolume({ volumeId, stagingTargetPath, volumeCapability }) {
      need(volumeId, 'Volume ID');
      need(stagingTargetPath, 'Target path');
      need(volumeCapability, 'Volume Capability');
      const volume = get(volumeId);
      if (volume.isBlock) await attachDevice(volume);
      return {};
    },
    async NodeUnstageVolume({ volumeId, stagingTargetPath }) {
      need(volumeId, 'Volume ID');
      need(stagingTargetPath, 'Target path');
      const volume = state.volume(volumeId);
      if (volume) await detachDevice(volume);
      return {};
    },
    async NodePublishVolume(request) {
      const { volumeId, targetPath, volumeCapability, volumeContext } = request;
      need(volumeCapability, 'Volume Capability');
      need(volumeId, 'Volume ID');
      need(targetPath, 'Target path');
      const isInline = volumeContext['csi.storage.k8s.io/ephemeral'] === 'true';
      if (isInline && !state.volume(volumeId))
        await state.create({ id: volumeId, name: volumeId, bytes: 2 ** 30, isBlock: false, isInline });
      const volume = get(volumeId);
      if (Boolean(volumeCapability.block) !== volume.isBlock)
        throw new GrpcError('the volume is of the other access type', invalidArgument);
      if (volume.isBlock) await publishDevice(volume, here(targetPath));
      else await publishFolder(volume, here(targetPath), request.readonly);
      return {};
    },
    async NodeUnpublishVolume({ volumeId, targetPath }) {
      need(volumeId, 'Volume ID');
      need(targetPath, 'Target path');
      const target = here(targetPath);
      if (await isMounted(target)) await system('umount', target);
      await rm(target, { recursive: true, force: true });
      const volume = state.volume(volumeId);
      if (volume?.isInline) await state.delete(volumeId);
      if (volume && !options.stages) await detachDevice(volume).catch(() => undefined);
      return {};
    },
    async NodeGetVolumeStats({ volumeId, volumePath }) {
      need(volumePath, 'Volume Path');
      const volume = get(volumeId);
      if (volume.isBlock) return { usage: [{ unit: 'BYTES', total: volume.bytes }] };
      if (!(await isMounted(here(volumePath)))) throw new GrpcError(`${volumePath} is not mounted`, notFound);
      const [used = '0'] = (await system('du', '-sb', state.pathOf(volumeId))).split(/\s/);
      const [inodes = '0'] = (await system('du', '-s', '--inodes', state.pathOf(volumeId))).split(/\s/);
      return {
        usage: [
          { unit: 'BYTES', total: volume.bytes, used, available: volume.bytes - Number(used) },
          { unit: 'INODES', total: 1_000_000, used: inodes, available: 1_000_000 - Number(inodes) },
        ],
      };
    },
    async NodeExpandVolume({ volumeId, volumePath, capacityRange }: GrpcMessage) {
      need(volumeId, 'Volume ID');
      need(volumePath, 'Volume Path');
      const volume = get(volumeId);
      if (volume.device) await system('losetup', '-c', volume.device);
      return { capacityBytes: Number(capacityRange?.requiredBytes ?? volume.bytes) };
    },
  };
}
