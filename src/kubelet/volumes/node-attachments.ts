// Volumes that somebody attaches to this node before it may mount them: what the node tells of them, and the wait until they are
// there. Attaching is the controller's work; of a node that it does not manage nothing is told, and nothing waited for.
import { nodeKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { VolumeFailure } from './volume-failure.ts';

/** Whoever mounts attachable volumes. */
export interface AttachableHolder {
  /** Names of those that must not be detached; undefined while that is not known. */
  volumesInUse(): readonly string[] | undefined | Promise<readonly string[]>;
}

export interface AwaitedVolume {
  /** In the node's status. */
  readonly uniqueName: string;
  /** As the pod calls it. */
  readonly podVolume: string;
}

export interface NodeAttachmentsOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
  /** The controller attaches volumes of this node. */
  readonly isManaged: boolean;
  /** Has the node's status written. */
  readonly writeStatus: () => Promise<void>;
}

const firstLookMs = 50;
const lastLookMs = 1_000;
/** As long as upstream waits before it says so in an event. */
const patienceMs = 123_000;

export class NodeAttachments {
  readonly #options: NodeAttachmentsOptions;
  readonly #holders: AttachableHolder[] = [];

  constructor(options: NodeAttachmentsOptions) {
    this.#options = options;
  }

  /** Asked from now on what is in use. */
  add(holder: AttachableHolder): void {
    this.#holders.push(holder);
  }

  /** For the node's status; undefined while it is not known, so that nothing is taken for free. */
  async volumesInUse(): Promise<readonly string[] | undefined> {
    if (!this.#options.isManaged) return [];
    const held = await Promise.all(this.#holders.map((holder) => holder.volumesInUse()));
    return held.includes(undefined) ? undefined : [...new Set(held.flatMap((names) => names ?? []))].sort();
  }

  /** Something is in use now, or no longer. */
  async report(): Promise<void> {
    if (this.#options.isManaged) await this.#options.writeStatus();
  }

  /**
   * Settles when the node's status says both that the volume is attached and that it is in use: from then on nobody detaches it.
   *
   * @param ask what else must be there first
   * @throws VolumeFailure when it takes too long, or the signal's reason
   */
  async untilAttached<T>(volume: AwaitedVolume, signal: AbortSignal, ask: () => Promise<T | undefined>): Promise<T> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    await this.report();
    for (let waitMs = firstLookMs; ; waitMs = Math.min(lastLookMs, waitMs * 2)) {
      const found = await ask();
      if (found !== undefined && (await this.#isOurs(volume))) return found;
      if (clock.monotonicMs() - startedMs > patienceMs) throw tookTooLong(volume);
      await clock.sleep(waitMs, signal);
      signal.throwIfAborted();
    }
  }

  async #isOurs({ uniqueName }: AwaitedVolume): Promise<boolean> {
    const { client, nodeName, isManaged } = this.#options;
    if (!isManaged) return true;
    const { status } = await client.resource(nodeKind).get({ namespace: '', name: nodeName });
    if (status?.volumesInUse?.includes(uniqueName))
      return status.volumesAttached?.some(({ name }) => name === uniqueName) ?? false;
    await this.report(); // it could not be written before
    return false;
  }
}

function tookTooLong({ podVolume }: AwaitedVolume): VolumeFailure {
  return new VolumeFailure(
    'FailedMount',
    `Unable to attach or mount volumes: unmounted volumes=[${podVolume}], unattached volumes=[${podVolume}], ` +
      'failed to process volumes=[]: context deadline exceeded',
  );
}
