// Volumes of CSI drivers: a VolumeAttachment asks the driver's attacher for each, and its status tells what came of it.
import type { PersistentVolume, PersistentVolumeSpec } from '../../../generated/core-v1.ts';
import { volumeAttachmentKind } from '../../../generated/kinds.ts';
import type { CSIDriver, VolumeAttachment } from '../../../generated/storage-v1.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import { attachmentName, csiPrefix, csiVolumeName } from '../../api/storage/attachable-volumes.ts';
import type { Client } from '../../client/client.ts';
import type { Lister } from '../../reconcile/informer.ts';
import type { AttachableVolume, Attacher, AttachOutcome } from './attacher.ts';
import { volumesByDisk } from './disk-users.ts';

export const attachmentsByVolume = 'volume';

export interface CsiObjects {
  readonly client: Client;
  readonly volumes: Lister<PersistentVolume>;
  readonly attachments: Lister<VolumeAttachment>;
  readonly drivers: Lister<CSIDriver>;
  /** No event tells of it: the cache never showed what was deleted. */
  readonly lookAgain: (disk: string) => void;
}

export class CsiAttacher implements Attacher {
  readonly prefix = csiPrefix;
  readonly #objects: CsiObjects;

  constructor(objects: CsiObjects) {
    this.#objects = objects;
  }

  ofPersistent({ csi }: PersistentVolumeSpec): string | undefined {
    return csi && csiVolumeName(csi.driver, csi.volumeHandle);
  }

  attaches(disk: string): boolean {
    return this.#objects.drivers.find(partsOf(disk).driver)?.spec.attachRequired !== false;
  }

  nodesWith(disk: string): readonly string[] {
    return this.#attachments(disk).map(({ spec }) => spec.nodeName);
  }

  async attach({ disk, persistent }: AttachableVolume, nodeName: string, signal: AbortSignal): Promise<AttachOutcome> {
    const known = this.#find(disk, nodeName);
    // One that is being deleted is made again when it has gone.
    if (known?.metadata.deletionTimestamp) return { isAttached: false };
    if (known?.status?.attached) return { isAttached: true };
    if (known)
      return { isAttached: false, problem: known.status?.attachError && (known.status.attachError.message ?? '') };
    const { driver, handle } = partsOf(disk);
    await this.#objects.client.resource(volumeAttachmentKind).create(
      {
        metadata: { name: attachmentName(handle, driver, nodeName) },
        spec: { attacher: driver, nodeName, source: { persistentVolumeName: persistent!.metadata.name } },
      },
      { signal },
    );
    return { isAttached: false };
  }

  async detach(disk: string, nodeName: string, signal: AbortSignal): Promise<boolean> {
    const known = this.#find(disk, nodeName);
    if (known?.metadata.deletionTimestamp) return false;
    const { driver, handle } = partsOf(disk);
    const name = known?.metadata.name ?? attachmentName(handle, driver, nodeName);
    try {
      await this.#objects.client.resource(volumeAttachmentKind).delete({ namespace: '', name }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return known === undefined; // else the cache is behind
    }
    if (!known) this.#objects.lookAgain(disk);
    return false;
  }

  #find(disk: string, nodeName: string): VolumeAttachment | undefined {
    return this.#attachments(disk).find(({ spec }) => spec.nodeName === nodeName);
  }

  #attachments(disk: string): VolumeAttachment[] {
    const { volumes, attachments } = this.#objects;
    return volumes
      .byIndex(volumesByDisk, disk)
      .flatMap(({ metadata }) => attachments.byIndex(attachmentsByVolume, metadata.name));
  }
}

function partsOf(disk: string): { driver: string; handle: string } {
  const at = disk.indexOf('^');
  return { driver: disk.slice(csiPrefix.length, at), handle: disk.slice(at + 1) };
}
