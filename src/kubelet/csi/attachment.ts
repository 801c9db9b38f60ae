// Waits for a volume to be attached to this node; attaching is the controller's and the driver's attacher's work.
import { volumeAttachmentKind } from '../../../generated/kinds.ts';
import type { VolumeAttachment } from '../../../generated/storage-v1.ts';
import { isForbidden, isNotFound } from '../../api/meta/status-error.ts';
import { attachmentName } from '../../api/storage/attachable-volumes.ts';
import type { Client } from '../../client/client.ts';
import type { NodeAttachments } from '../volumes/node-attachments.ts';
import type { CsiVolumeSpec } from './volume-spec.ts';

export interface AttachmentOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly node: NodeAttachments;
  /** The driver refused because no more fit. True: it was asked again how many do. */
  onRefused?(attachment: VolumeAttachment, spec: CsiVolumeSpec): void;
}

export class Attachments {
  readonly #options: AttachmentOptions;

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  /** What the driver's controller said when it attached the volume. */
  untilAttached(spec: CsiVolumeSpec, signal: AbortSignal): Promise<Record<string, string>> {
    return this.#options.node.untilAttached(spec, signal, async () => {
      const attachment = await this.#find(spec);
      if (attachment?.status?.attached && !attachment.metadata.deletionTimestamp)
        return attachment.status.attachmentMetadata ?? {};
      if (attachment?.status?.attachError) this.#options.onRefused?.(attachment, spec);
      return undefined;
    });
  }

  async #find({ handle, driver }: CsiVolumeSpec): Promise<VolumeAttachment | undefined> {
    const { client, nodeName } = this.#options;
    const name = attachmentName(handle, driver, nodeName);
    try {
      return await client.resource(volumeAttachmentKind).find({ namespace: '', name });
    } catch (error) {
      if (isForbidden(error) || isNotFound(error)) return undefined; // nodes see none but their own, and this is not made yet
      throw error;
    }
  }
}
