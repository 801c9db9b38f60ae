import type { Node, Pod } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import { about } from '../../reconcile/about.ts';
import type { ControllerContext, EventRecorder } from '../../reconcile/controller.ts';
import type { Lister } from '../../reconcile/informer.ts';
import type { Attacher } from './attacher.ts';
import type { DetachWait } from './detach-wait.ts';
import type { DiskUse, DiskUsers } from './disk-users.ts';
import { multiAttach, whoHasIt } from './multi-attach.ts';
import { report } from './node-report.ts';
import type { Placements } from './placements.ts';

export interface AttachWorld {
  readonly users: DiskUsers;
  readonly placements: Placements;
  readonly detachWait: DetachWait;
  readonly nodes: Lister<Node>;
  readonly lookAfter: (disk: string, delayMs: number) => void;
}

/** One disk: where it should be, and the next step there. */
export class AttachSync {
  readonly #context: ControllerContext;
  readonly #events: EventRecorder;
  readonly #world: AttachWorld;

  constructor(context: ControllerContext, world: AttachWorld) {
    this.#context = context;
    this.#events = context.recorder('attachdetach-controller');
    this.#world = world;
  }

  async look(disk: string, signal: AbortSignal): Promise<void> {
    const { users, placements } = this.#world;
    const attacher = users.attacherOf(disk);
    if (!attacher) return;
    const uses = users.byNode(disk);
    const places = new Set([...placements.nodesWith(disk), ...attacher.nodesWith(disk)]);
    // Detached first: a volume that may be in one place only is on its way to another.
    for (const nodeName of places)
      if (!uses.has(nodeName) && (await this.#detach(disk, nodeName, attacher, signal))) places.delete(nodeName);
    for (const [nodeName, use] of uses) {
      if (use.volume.isExclusive && places.size > 0 && !places.has(nodeName)) {
        this.#refuse(
          use,
          nodeName,
          [...places].flatMap((place) => uses.get(place)?.pods ?? []),
        );
        continue;
      }
      places.add(nodeName);
      await this.#attach(use, nodeName, attacher, signal);
    }
    placements.prune(disk, (nodeName) => places.has(nodeName) || uses.has(nodeName));
  }

  async #attach(use: DiskUse, nodeName: string, attacher: Attacher, signal: AbortSignal): Promise<void> {
    const { volume } = use;
    const { disk } = volume;
    const placement = this.#world.placements.of(disk, nodeName);
    placement.isThere = true;
    placement.unwantedSinceMs = undefined;
    const { isAttached, problem } = await attacher.attach(volume, nodeName, signal);
    if (problem !== undefined) this.#tell(use, nodeName, 'Warning', 'AttachVolume.Attach failed', `: ${problem}`);
    if (!isAttached) return;
    const isNews = await report(this.#reporting, { nodeName, disk, isAttached }, signal);
    if (!isNews) return;
    placement.told.clear();
    this.#tell(use, nodeName, 'Normal', 'AttachVolume.Attach succeeded', '');
  }

  /** True when it is done. */
  async #detach(disk: string, nodeName: string, attacher: Attacher, signal: AbortSignal): Promise<boolean> {
    const { placements, detachWait, nodes, lookAfter } = this.#world;
    const nowMs = this.#context.clock.monotonicMs();
    const placement = placements.of(disk, nodeName);
    placement.isThere = true;
    placement.unwantedSinceMs ??= nowMs;
    const remainingMs = detachWait.remainingMs(disk, nodeName, nowMs - placement.unwantedSinceMs);
    if (remainingMs !== 0) {
      if (remainingMs !== undefined) lookAfter(disk, remainingMs);
      return false;
    }
    await report(this.#reporting, { nodeName, disk, isAttached: false }, signal);
    placement.told.clear();
    if (!(await attacher.detach(disk, nodeName, signal))) return false;
    placement.isThere = false;
    placement.unwantedSinceMs = undefined;
    if (!nodes.find(nodeName) && placements.disksOn(nodeName).length <= 1) detachWait.forget(nodeName);
    return true;
  }

  #refuse(use: DiskUse, nodeName: string, others: readonly Pod[]): void {
    for (const pod of use.pods)
      this.#tell({ ...use, pods: [pod] }, nodeName, 'Warning', multiAttach, whoHasIt(pod, others));
  }

  /** Each pod once, until the disk has been detached. */
  #tell({ volume, pods }: DiskUse, nodeName: string, type: 'Normal' | 'Warning', what: string, more: string): void {
    const { told } = this.#world.placements.of(volume.disk, nodeName);
    const message = `${what} for volume ${JSON.stringify(volume.name)} ${more}`;
    const reason = type === 'Normal' ? 'SuccessfulAttachVolume' : 'FailedAttachVolume';
    for (const pod of pods) {
      // That a disk is elsewhere is told once, whoever has it then.
      const key = `${pod.metadata.uid} ${what === multiAttach ? what : message}`;
      if (told.has(key)) continue;
      told.add(key);
      this.#events.event(about(podKind, pod), type, reason, message);
    }
  }

  get #reporting() {
    return { client: this.#context.client, nodes: this.#world.nodes };
  }
}
