// Waits for a volume to be attached to this node; attaching is the controller's and the driver's attacher's work.
import type { Node } from '../../../generated/core-v1.ts';
import { nodeKind, volumeAttachmentKind } from '../../../generated/kinds.ts';
import type { VolumeAttachment } from '../../../generated/storage-v1.ts';
import { isForbidden, isNotFound } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { VolumeFailure } from '../volumes/volume-failure.ts';
import { attachmentName } from './layout.ts';
import type { CsiVolumeSpec } from './volume-spec.ts';

export interface AttachmentOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
  /** The driver refused because no more fit. True: it was asked again how many do. */
  onRefused?(attachment: VolumeAttachment, spec: CsiVolumeSpec): void;
}

const firstLookMs = 50;
const lastLookMs = 1_000;
/** As long as upstream waits before it says so in an event. */
const patienceMs = 123_000;

export class Attachments {
  readonly #options: AttachmentOptions;

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  /**
   * What the driver's controller said when it attached the volume. The volume must stand in `volumesInUse` before: then
   * nobody detaches what is seen here.
   */
  async untilAttached(spec: CsiVolumeSpec, signal: AbortSignal): Promise<Record<string, string>> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    for (let waitMs = firstLookMs; ; waitMs = Math.min(lastLookMs, waitMs * 2)) {
      const attachment = await this.#find(spec);
      if (attachment?.status?.attached && !attachment.metadata.deletionTimestamp && (await this.#isOnNode(spec)))
        return attachment.status.attachmentMetadata ?? {};
      if (attachment?.status?.attachError) this.#options.onRefused?.(attachment, spec);
      if (clock.monotonicMs() - startedMs > patienceMs) throw tookTooLong(spec.podVolume);
      await clock.sleep(waitMs, signal);
      signal.throwIfAborted();
    }
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

  async #isOnNode({ uniqueName }: CsiVolumeSpec): Promise<boolean> {
    const { client, nodeName } = this.#options;
    const node: Node = await client.resource(nodeKind).get({ namespace: '', name: nodeName });
    return node.status?.volumesAttached?.some(({ name }) => name === uniqueName) ?? false;
  }
}

function tookTooLong(volume: string): VolumeFailure {
  return new VolumeFailure(
    'FailedMount',
    `Unable to attach or mount volumes: unmounted volumes=[${volume}], unattached volumes=[${volume}], ` +
      'failed to process volumes=[]: context deadline exceeded',
  );
}
