// What happens to nodes, pods and claims, told to whoever keeps account of it: the cache, the queue, promises.
import type { Pod } from '../../generated/core-v1.ts';
import { nodeKind } from '../../generated/kinds.ts';
import { isFinished } from '../api/core/pod-phase.ts';
import { isEqual } from '../api/meta/equality.ts';
import { keyOf } from '../api/meta/object.ts';
import type { Informer, InformerFactory } from '../reconcile/informer.ts';
import type { ClaimBindings } from './devices/claim-bindings.ts';
import type { ClaimGate } from './devices/claim-gate.ts';
import type { NodeCache } from './node-cache.ts';
import type { Nominations } from './nominations.ts';
import { hasSameGates, nodeChanges, placedChange } from './object-changes.ts';
import type { WorldChange } from './plugin.ts';
import type { SchedulingQueue } from './queue.ts';
import type { VolumeBindings } from './volume-bindings.ts';

export interface WorldWatchParts {
  readonly informers: InformerFactory;
  readonly pods: Informer<Pod>;
  readonly cache: NodeCache;
  readonly queue: SchedulingQueue;
  readonly nominations: Nominations;
  readonly claimGate: ClaimGate;
  readonly claimBindings: ClaimBindings;
  readonly volumeBindings: VolumeBindings;
  /** Pods that ask for another scheduler are left to it. */
  isServed(schedulerName: string): boolean;
}

export class WorldWatch {
  readonly #parts: WorldWatchParts;

  constructor(parts: WorldWatchParts) {
    this.#parts = parts;
    this.#watch(parts.informers);
  }

  #watch(informers: InformerFactory): void {
    const tell = (type: WorldChange, name: string) =>
      this.#parts.queue.worldChanged({ type, node: this.#parts.cache.find(name) });
    informers.informer(nodeKind).onChange({
      added: (node) => {
        this.#parts.cache.setNode(node);
        tell('node-added', node.metadata.name);
      },
      updated: (node, previous) => {
        this.#parts.cache.setNode(node);
        for (const change of nodeChanges(node, previous)) tell(change, node.metadata.name);
      },
      deleted: (node) => this.#parts.cache.removeNode(node.metadata.name),
    });
    this.#parts.pods.onChange({
      added: (pod) => this.#podChanged(pod),
      updated: (pod, previous) => this.#podChanged(pod, previous),
      deleted: (pod) => this.#podGone(keyOf(pod)),
    });
  }

  /** A claim appeared, changed or went: pods that use it are looked at again, if they may be. */
  claimChanged(claim: string): void {
    this.#parts.claimBindings.changed();
    const users = this.#parts.claimGate.usersOf(claim);
    for (const key of users) {
      const pod = this.#parts.pods.find(key);
      if (!pod) continue;
      const wasOutside = this.#parts.claimGate.isOutside(key);
      if (!this.#parts.claimGate.admits(pod)) this.#parts.queue.remove(key);
      else if (wasOutside) this.#parts.queue.add(this.#parts.cache.views.of(pod));
    }
    if (users.length > 0) this.#parts.queue.worldChanged({ type: 'devices' });
  }

  #podChanged(pod: Pod, previous?: Pod): void {
    const key = keyOf(pod);
    if (isFinished(pod)) {
      this.#podGone(key);
      return;
    }
    if (pod.spec.nodeName) {
      this.#parts.queue.remove(key);
      this.#parts.claimGate.forget(key);
      this.#parts.nominations.remove(key);
      if (!this.#parts.cache.confirm(pod, key)) this.#parts.cache.place(pod, pod.spec.nodeName);
      // A pod that landed may be what another wants to be near.
      const what = placedChange(pod, previous);
      if (what) this.#parts.queue.worldChanged({ type: what, ...this.#parts.cache.placement(key) });
      return;
    }
    const isMine =
      this.#parts.isServed(pod.spec.schedulerName ?? '') &&
      !pod.spec.schedulingGates?.length &&
      !pod.metadata.deletionTimestamp;
    if (!isMine) {
      this.#parts.queue.remove(key);
      this.#parts.nominations.remove(key);
      return;
    }
    const { nominatedNodeName } = pod.status ?? {};
    if (nominatedNodeName !== previous?.status?.nominatedNodeName) {
      this.#parts.nominations.set(this.#parts.cache.views.of(pod), nominatedNodeName);
    }
    const wasOutside = this.#parts.claimGate.isOutside(key);
    if (!this.#parts.claimGate.admits(pod)) {
      this.#parts.queue.remove(key);
      return;
    }
    // Status alone (our own condition among it) is no reason to look again.
    const isSame =
      previous &&
      previous.metadata.generation === pod.metadata.generation &&
      isEqual(previous.metadata.labels, pod.metadata.labels) &&
      hasSameGates(pod, previous);
    if (!isSame || wasOutside) this.#parts.queue.add(this.#parts.cache.views.of(pod));
  }

  #podGone(key: string): void {
    this.#parts.volumeBindings.changed();
    this.#parts.claimBindings.changed();
    this.#parts.claimGate.forget(key);
    this.#parts.queue.remove(key);
    this.#parts.nominations.remove(key);
    const gone = this.#parts.cache.remove(key);
    if (gone) this.#parts.queue.worldChanged({ type: 'pod-gone', ...gone });
  }
}
