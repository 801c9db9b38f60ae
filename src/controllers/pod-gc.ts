// Removes pods that nobody else will: their node is gone or out of service, or they ended long ago and are too many.
import type { Node, Pod } from '../../generated/core-v1.ts';
import { nodeKind, podKind } from '../../generated/kinds.ts';
import { isFinished } from '../api/core/pod-phase.ts';
import { findCondition } from '../api/meta/conditions.ts';
import { keyOf } from '../api/meta/object.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import type { ControllerContext, ControllerDefinition, KeyQueue } from '../reconcile/controller.ts';
import type { Informer } from '../reconcile/informer.ts';
import { type Disruption, markDisrupted } from './shared/disruption.ts';
import { indexByNode, podsOn } from './shared/pods-by-node.ts';

/** A missing node may be about to register. */
const quarantineMs = 40_000;
const maxFinished = 12_500;
const outOfService = 'node.kubernetes.io/out-of-service';
/** Keys of this queue: a node, one pod, or the finished pods altogether. */
const nodeKey = (name: string) => `node/${name}`;
const podKey = (pod: Pod) => `pod/${keyOf(pod)}`;
const finishedKey = 'finished';
const nodeGone: Disruption = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' };

export const podGarbageCollector: ControllerDefinition = {
  name: 'pod-garbage-collector',
  setup(context, queue) {
    const collector = new PodGarbageCollector(context, queue);
    return { name: 'pod-garbage-collector', workers: 2, reconcile: (key) => collector.reconcile(key) };
  },
};

class PodGarbageCollector {
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #finished = new Set<string>();

  constructor(context: ControllerContext, queue: KeyQueue) {
    this.#context = context;
    this.#nodes = context.informers.informer(nodeKind);
    this.#pods = context.informers.informer(podKind);
    indexByNode(this.#pods);
    this.#nodes.onChange({
      updated: (node) => {
        if (isOutOfService(node)) for (const pod of podsOn(this.#pods, node.metadata.name)) queue.add(podKey(pod));
      },
      deleted: ({ metadata }) => queue.addAfter(nodeKey(metadata.name), quarantineMs),
    });
    const look = (pod: Pod) => {
      const nodeName = pod.spec?.nodeName;
      if (nodeName && !this.#nodes.find(nodeName)) queue.addAfter(nodeKey(nodeName), quarantineMs);
      if (pod.metadata.deletionTimestamp) queue.addAfter(podKey(pod), 1000);
      if (!isFinished(pod)) return;
      this.#finished.add(keyOf(pod));
      if (this.#finished.size > maxFinished) queue.addAfter(finishedKey, 20_000);
    };
    this.#pods.onChange({
      added: look,
      updated: (next, previous) => {
        const hasMoved =
          next.spec?.nodeName !== previous.spec?.nodeName ||
          next.status?.phase !== previous.status?.phase ||
          next.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp;
        if (hasMoved) look(next);
      },
      deleted: (pod) => {
        this.#finished.delete(keyOf(pod));
      },
    });
  }

  async reconcile(key: string): Promise<void> {
    if (key === finishedKey) return this.#collectFinished();
    const name = key.slice(key.indexOf('/') + 1);
    if (key.startsWith('node/')) await this.#collectOrphans(name);
    else await this.#collectTerminating(name);
  }

  async #collectOrphans(nodeName: string): Promise<void> {
    const pods = podsOn(this.#pods, nodeName);
    if (pods.length === 0 || this.#nodes.find(nodeName)) return;
    // The cache may be behind: pods are not failed on hearsay.
    if (await this.#context.client.resource(nodeKind).find({ namespace: '', name: nodeName })) return;
    for (const pod of pods) await this.#remove(pod, nodeGone);
  }

  /** A pod that was never bound has no node agent to finish its deletion; one whose node is out of service neither. */
  async #collectTerminating(key: string): Promise<void> {
    const pod = this.#pods.find(key);
    if (!pod?.metadata.deletionTimestamp) return;
    const node = this.#nodes.find(pod.spec?.nodeName ?? '');
    const isAbandoned = node !== undefined && isOutOfService(node) && !isReady(node);
    if (!pod.spec?.nodeName || isAbandoned) await this.#remove(pod);
  }

  async #collectFinished(): Promise<void> {
    const finished = [...this.#finished].map((key) => this.#pods.find(key)).filter((pod) => pod !== undefined);
    const created = (pod: Pod) => pod.metadata.creationTimestamp ?? '';
    finished.sort((a, b) => (created(a) < created(b) ? -1 : 1));
    for (const pod of finished.slice(0, Math.max(0, finished.length - maxFinished))) await this.#remove(pod);
  }

  async #remove(pod: Pod, disruption?: Disruption): Promise<void> {
    const { client, clock } = this.#context;
    const { namespace = '', name, uid = '' } = pod.metadata;
    try {
      const phase = isFinished(pod) ? {} : { phase: 'Failed' as const };
      const why = disruption && !isFinished(pod) ? { disruption } : {};
      await markDisrupted(client, pod, { ...phase, ...why, nowMs: clock.now() });
      await client.resource(podKind).delete({ namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const isReady = (node: Node) => findCondition(node.status?.conditions, 'Ready')?.status === 'True';
const isOutOfService = (node: Node) => (node.spec?.taints ?? []).some(({ key }) => key === outOfService);
