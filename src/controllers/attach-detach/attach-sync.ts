import { createHash } from 'node:crypto';
import type { Node, PersistentVolume, Pod } from '../../../generated/core-v1.ts';
import { nodeKind, podKind, volumeAttachmentKind } from '../../../generated/kinds.ts';
import type { CSIDriver, VolumeAttachment } from '../../../generated/storage-v1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import type { Client } from '../../client/client.ts';
import { about } from '../../reconcile/about.ts';
import type { ControllerContext, EventRecorder } from '../../reconcile/controller.ts';
import type { Lister } from '../../reconcile/informer.ts';
import { byClaim } from '../shared/pods-by-claim.ts';

export const attachmentsByVolume = 'volume';
export const attachmentsByNode = 'node';

/** Nodes whose agent leaves attaching to this controller. */
const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach';

export interface AttachWorld {
  readonly pods: Lister<Pod>;
  readonly volumes: Lister<PersistentVolume>;
  readonly attachments: Lister<VolumeAttachment>;
  readonly nodes: Lister<Node>;
  readonly drivers: Lister<CSIDriver>;
}

/** One volume: where it should be, and the next step there. */
export class AttachSync {
  readonly #client: Client;
  readonly #events: EventRecorder;
  readonly #world: AttachWorld;
  /** `VOLUME NODE` → what its pods were told. */
  readonly #told = new Map<string, Set<string>>();

  constructor({ client, recorder }: ControllerContext, world: AttachWorld) {
    this.#client = client;
    this.#events = recorder('attachdetach-controller');
    this.#world = world;
  }

  async look(volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const { attachments, drivers } = this.#world;
    const { driver } = volume.spec!.csi!;
    const existing = attachments.byIndex(attachmentsByVolume, volume.metadata.name);
    const users = this.#users(volume);
    const attaches = drivers.find(driver)?.spec.attachRequired !== false;
    // Detached first: a volume that may be in one place only is on its way to another.
    for (const each of existing)
      if (!attaches || !users.has(each.spec.nodeName)) await this.#detach(volume, each, signal);
    if (!attaches) return;
    for (const [nodeName, pods] of users) {
      const attachment = existing.find(({ spec }) => spec.nodeName === nodeName);
      if (attachment?.metadata.deletionTimestamp) continue;
      if (attachment) await this.#follow(volume, attachment, pods, signal);
      else await this.#attach(volume, nodeName, pods, existing, signal);
    }
  }

  /** Pods that use it, by node. */
  #users({ spec }: PersistentVolume): Map<string, Pod[]> {
    const { namespace, name } = spec?.claimRef ?? {};
    const users = new Map<string, Pod[]>();
    for (const pod of this.#world.pods.byIndex(byClaim, `${namespace}/${name}`)) {
      const { nodeName } = pod.spec;
      if (!nodeName || isFinished(pod)) continue;
      if (this.#world.nodes.find(nodeName)?.metadata.annotations?.[managedAnnotation] !== 'true') continue;
      users.set(nodeName, [...(users.get(nodeName) ?? []), pod]);
    }
    return users;
  }

  async #attach(
    volume: PersistentVolume,
    nodeName: string,
    pods: readonly Pod[],
    existing: readonly VolumeAttachment[],
    signal: AbortSignal,
  ): Promise<void> {
    const elsewhere = existing.filter(({ spec }) => spec.nodeName !== nodeName);
    if (isExclusive(volume) && elsewhere.length > 0) {
      for (const pod of pods)
        this.#tell(volume, nodeName, pod, 'Warning', 'Multi-Attach error', this.#whoHas(volume, pod, elsewhere));
      return;
    }
    const { driver, volumeHandle } = volume.spec!.csi!;
    await this.#client.resource(volumeAttachmentKind).create(
      {
        metadata: { name: attachmentName(volumeHandle, driver, nodeName) },
        spec: { attacher: driver, nodeName, source: { persistentVolumeName: volume.metadata.name } },
      },
      { signal },
    );
  }

  async #follow(
    volume: PersistentVolume,
    { spec: { nodeName }, status }: VolumeAttachment,
    pods: readonly Pod[],
    signal: AbortSignal,
  ): Promise<void> {
    const tell = (type: 'Normal' | 'Warning', what: string, more: string) => {
      for (const pod of pods) this.#tell(volume, nodeName, pod, type, what, more);
    };
    if (status?.attached) {
      const isNews = await this.#report(nodeName, volume, true, signal);
      if (isNews) tell('Normal', 'AttachVolume.Attach succeeded', '');
    } else if (status?.attachError) {
      tell('Warning', 'AttachVolume.Attach failed', `: ${status.attachError.message ?? ''}`);
    }
  }

  /** Not while the node says that it has it mounted. */
  async #detach(volume: PersistentVolume, { metadata, spec }: VolumeAttachment, signal: AbortSignal): Promise<void> {
    if (metadata.deletionTimestamp) return;
    const node = this.#world.nodes.find(spec.nodeName);
    if (node?.status?.volumesInUse?.includes(uniqueName(volume))) return;
    if (node) await this.#report(spec.nodeName, volume, false, signal);
    this.#told.delete(`${volume.metadata.name} ${spec.nodeName}`);
    await this.#client.resource(volumeAttachmentKind).delete({ namespace: '', name: metadata.name }, { signal });
  }

  /** Says in the node's status whether the volume is there. False when it said so before. */
  async #report(
    nodeName: string,
    volume: PersistentVolume,
    isAttached: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const node = this.#world.nodes.find(nodeName);
    if (!node) return false;
    const name = uniqueName(volume);
    const now = node.status?.volumesAttached ?? [];
    if (now.some((each) => each.name === name) === isAttached) return false;
    const volumesAttached = isAttached ? [...now, { name, devicePath: '' }] : now.filter((each) => each.name !== name);
    const patch = { metadata: { resourceVersion: node.metadata.resourceVersion }, status: { volumesAttached } };
    const options = { type: 'merge', subresource: 'status', signal } as const;
    await this.#client.resource(nodeKind).patch({ namespace: '', name: nodeName }, patch, options);
    return true;
  }

  /** Who keeps it elsewhere; names of other namespaces are not told. */
  #whoHas(volume: PersistentVolume, pod: Pod, elsewhere: readonly VolumeAttachment[]): string {
    const { namespace, name } = volume.spec?.claimRef ?? {};
    const others = this.#world.pods
      .byIndex(byClaim, `${namespace}/${name}`)
      .filter((each) => !isFinished(each) && elsewhere.some(({ spec }) => spec.nodeName === each.spec.nodeName));
    if (others.length === 0)
      return "Volume is already exclusively attached to one node and can't be attached to another";
    const local = others.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace);
    const foreign = others.length - local.length;
    if (local.length === 0) return `Volume is already used by ${foreign} pod(s) in different namespaces`;
    const names = `Volume is already used by pod(s) ${local.map(({ metadata }) => metadata.name).join(', ')}`;
    return foreign > 0 ? `${names} and ${foreign} pod(s) in different namespaces` : names;
  }

  /** Once, until it has been detached. */
  #tell(
    volume: PersistentVolume,
    nodeName: string,
    pod: Pod,
    type: 'Normal' | 'Warning',
    what: string,
    more: string,
  ): void {
    const message = `${what} for volume ${JSON.stringify(volume.metadata.name)} ${more}`;
    const key = `${volume.metadata.name} ${nodeName}`;
    const told = `${pod.metadata.uid} ${message}`;
    const before = this.#told.get(key) ?? new Set();
    if (before.has(told)) return;
    this.#told.set(key, before.add(told));
    const reason = type === 'Normal' ? 'SuccessfulAttachVolume' : 'FailedAttachVolume';
    this.#events.event(about(podKind, pod), type, reason, message);
  }
}

function isExclusive({ spec }: PersistentVolume): boolean {
  const modes = spec?.accessModes ?? [];
  return modes.length > 0 && !modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}

/** As nodes name it in their status. */
const uniqueName = ({ spec }: PersistentVolume) => `kubernetes.io/csi/${spec!.csi!.driver}^${spec!.csi!.volumeHandle}`;

/** As drivers' attachers expect it. */
const attachmentName = (handle: string, driver: string, nodeName: string) =>
  `csi-${createHash('sha256').update(`${handle}${driver}${nodeName}`).digest('hex')}`;
