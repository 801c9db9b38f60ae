// The driver's controller service: makes, attaches, grows, copies and deletes volumes.

import { GrpcError } from '../../../src/base/grpc.ts';
import type { GrpcMessage } from '../../../src/kubelet/grpc/proto.ts';
import type { UnaryHandler } from '../../../src/kubelet/grpc/unix-server.ts';
import { type DriverOptions, topologyKey } from './driver-options.ts';
import type { DriverState, Snapshot, Volume } from './state.ts';

const invalidArgument = 3;
const notFound = 5;
const alreadyExists = 6;
const resourceExhausted = 8;
const aborted = 10;
const outOfRange = 11;

const mebi = 2 ** 20;

const need = (value: unknown, what: string): void => {
  if (!value || (Array.isArray(value) && value.length === 0))
    throw new GrpcError(`${what} missing in request`, invalidArgument);
};

export function controllerHandlers(options: DriverOptions, state: DriverState): Record<string, UnaryHandler> {
  const topology = () => [{ segments: { [topologyKey(options)]: options.nodeId } }];
  const used = () => state.volumes.reduce((total, { bytes }) => total + bytes, 0);
  const get = (id: string): Volume => {
    need(id, 'Volume ID');
    const volume = state.volume(id);
    if (!volume) throw new GrpcError(`volume id ${id} does not exist in the volumes list`, notFound);
    return volume;
  };
  const shown = (volume: Volume) => ({
    volumeId: volume.id,
    capacityBytes: volume.bytes,
    volumeContext: { 'storage.kubernetes.io/csiProvisionerIdentity': options.name },
    accessibleTopology: topology(),
    ...(volume.source
      ? {
          contentSource:
            volume.source.kind === 'snapshot'
              ? { snapshot: { snapshotId: volume.source.id } }
              : { volume: { volumeId: volume.source.id } },
        }
      : {}),
  });

  const sourceOf = (request: GrpcMessage, bytes: number, isBlock: boolean): Volume['source'] => {
    const { snapshot, volume } = request.volumeContentSource ?? {};
    if (!snapshot && !volume) return undefined;
    const from = snapshot ? state.snapshot(snapshot.snapshotId) : state.volume(volume.volumeId);
    if (!from) throw new GrpcError(`source ${snapshot?.snapshotId ?? volume.volumeId} not found`, notFound);
    if (from.bytes > bytes) throw new GrpcError(`source is larger than ${bytes}`, outOfRange);
    if (from.isBlock !== isBlock) throw new GrpcError('source has another access type', invalidArgument);
    return snapshot ? { kind: 'snapshot', id: from.id } : { kind: 'volume', id: from.id };
  };

  return {
    async CreateVolume(request) {
      const { name, volumeCapabilities, capacityRange } = request;
      need(name, 'Name');
      need(volumeCapabilities, 'Volume Capabilities');
      const isBlock = volumeCapabilities.some((each: GrpcMessage) => each.block);
      if (isBlock && volumeCapabilities.some((each: GrpcMessage) => each.mount))
        throw new GrpcError('cannot have both block and mount access type', invalidArgument);
      const limit = Number(capacityRange?.limitBytes ?? 0);
      const bytes = Math.max(Number(capacityRange?.requiredBytes ?? 0), mebi);
      const known = state.volumes.find((each) => each.name === name);
      if (known) {
        if (known.bytes < Number(capacityRange?.requiredBytes ?? 0) || (limit > 0 && known.bytes > limit))
          throw new GrpcError(
            `Volume with the same name: ${name} but with different size already exist`,
            alreadyExists,
          );
        return { volume: shown(known) };
      }
      if (bytes > options.capacity - used())
        throw new GrpcError(`requested capacity ${bytes} exceeds what is left`, resourceExhausted);
      const source = sourceOf(request, bytes, isBlock);
      return {
        volume: shown(await state.create({ name, bytes, isBlock, isInline: false, ...(source ? { source } : {}) })),
      };
    },
    async DeleteVolume({ volumeId }) {
      need(volumeId, 'Volume ID');
      await state.delete(volumeId);
      return {};
    },
    ControllerPublishVolume({ volumeId, nodeId, volumeCapability }) {
      need(volumeId, 'Volume ID');
      need(nodeId, 'Node ID');
      need(volumeCapability, 'Volume Capability');
      const volume = get(volumeId);
      if (nodeId !== options.nodeId) throw new GrpcError(`node ${nodeId} is not ${options.nodeId}`, notFound);
      if (!volume.attachedTo.includes(nodeId)) volume.attachedTo.push(nodeId);
      state.save();
      return { publishContext: { 'attached-by': options.name } };
    },
    ControllerUnpublishVolume({ volumeId, nodeId }) {
      need(volumeId, 'Volume ID');
      const volume = state.volume(volumeId);
      if (volume) volume.attachedTo = nodeId ? volume.attachedTo.filter((each) => each !== nodeId) : [];
      state.save();
      return {};
    },
    ValidateVolumeCapabilities({ volumeId, volumeCapabilities }) {
      need(volumeCapabilities, 'Volume Capabilities');
      get(volumeId);
      return { confirmed: { volumeCapabilities } };
    },
    ListVolumes({ maxEntries, startingToken }) {
      const { page, nextToken } = pageOf(state.volumes, maxEntries, startingToken);
      const entry = (each: Volume) => ({ volume: shown(each), status: { publishedNodeIds: each.attachedTo } });
      return { entries: page.map(entry), nextToken };
    },
    GetCapacity: () => ({ availableCapacity: Math.max(0, options.capacity - used()) }),
    ControllerGetCapabilities: () => ({
      capabilities: [
        'CREATE_DELETE_VOLUME',
        ...(options.attaches ? ['PUBLISH_UNPUBLISH_VOLUME'] : []),
        'LIST_VOLUMES',
        'GET_CAPACITY',
        'CREATE_DELETE_SNAPSHOT',
        'LIST_SNAPSHOTS',
        'CLONE_VOLUME',
        'EXPAND_VOLUME',
        'SINGLE_NODE_MULTI_WRITER',
      ].map((type) => ({ rpc: { type } })),
    }),
    async CreateSnapshot({ name, sourceVolumeId }) {
      need(name, 'Name');
      need(sourceVolumeId, 'SourceVolumeId');
      const known = state.snapshots.find((each) => each.name === name);
      if (known && known.volumeId !== sourceVolumeId)
        throw new GrpcError(
          `snapshot with the same name: ${name} but with different SourceVolumeId already exist`,
          alreadyExists,
        );
      return { snapshot: snapshotShown(known ?? (await state.createSnapshot(name, get(sourceVolumeId)))) };
    },
    async DeleteSnapshot({ snapshotId }) {
      need(snapshotId, 'Snapshot ID');
      await state.deleteSnapshot(snapshotId);
      return {};
    },
    ListSnapshots({ maxEntries, startingToken, sourceVolumeId, snapshotId }) {
      const all = state.snapshots.filter(
        (each) => (!sourceVolumeId || each.volumeId === sourceVolumeId) && (!snapshotId || each.id === snapshotId),
      );
      const { page, nextToken } = pageOf(all, maxEntries, startingToken);
      return { entries: page.map((each) => ({ snapshot: snapshotShown(each) })), nextToken };
    },
    async ControllerExpandVolume({ volumeId, capacityRange }) {
      need(capacityRange, 'Capacity range');
      const volume = get(volumeId);
      const bytes = Number(capacityRange.requiredBytes);
      if (bytes > options.capacity)
        throw new GrpcError(`requested capacity ${bytes} exceeds what there is`, outOfRange);
      if (bytes > volume.bytes) await state.resize(volume, bytes);
      return { capacityBytes: volume.bytes, nodeExpansionRequired: true };
    },
  };
}

function snapshotShown({ id, volumeId, bytes, createdAtMs }: Snapshot) {
  const seconds = Math.floor(createdAtMs / 1000);
  const creationTime = { seconds, nanos: (createdAtMs % 1000) * 1e6 };
  return { snapshotId: id, sourceVolumeId: volumeId, sizeBytes: bytes, creationTime, readyToUse: true };
}

function pageOf<T>(all: readonly T[], max: number, token: string): { page: readonly T[]; nextToken: string } {
  const start = token ? Number(token) : 0;
  if (!Number.isInteger(start) || start > all.length) throw new GrpcError(`invalid token ${token}`, aborted);
  const end = max > 0 ? Math.min(all.length, start + max) : all.length;
  return { page: all.slice(start, end), nextToken: end < all.length ? String(end) : '' };
}

export { invalidArgument, need, notFound };
