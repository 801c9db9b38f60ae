// The scheduler's filters over a cluster that somebody imagines: what would go where if nodes came or went.
import type { Node, Pod } from '../../generated/core-v1.ts';
import { namespaceKind, serviceKind } from '../../generated/kinds.ts';
import type { Random } from '../base/random.ts';
import type { InformerFactory } from '../reconcile/informer.ts';
import { Decider } from './cycle.ts';
import { NodeCache } from './node-cache.ts';
import { type Snapshot, snapshotOf } from './plugin.ts';
import { filters, scores } from './plugins/index.ts';
import { watchStorage } from './storage.ts';

/** Gives imagined clusters, at first without a node. What is beside nodes and pods is as it is. */
export function imaginedClusters(informers: InformerFactory, random: Random): () => ImaginedCluster {
  const namespaces = informers.informer(namespaceKind);
  const services = informers.informer(serviceKind);
  const storage = watchStorage(informers, () => {});
  const beside: Omit<Snapshot, 'cache' | 'nodes'> = {
    namespaceLabels: (namespace) => namespaces.find(namespace)?.metadata.labels,
    services: (namespace) => services.list(namespace),
    storage,
  };
  return () => new ImaginedCluster(beside, random);
}

export class ImaginedCluster {
  readonly #cache = new NodeCache();
  readonly #decider: Decider;
  readonly #random: Random;

  constructor(beside: Omit<Snapshot, 'cache' | 'nodes'>, random: Random) {
    this.#decider = new Decider(snapshotOf(this.#cache, beside), { filters, scores });
    this.#random = random;
  }

  setNode(node: Node): void {
    this.#cache.setNode(node);
  }

  removeNode(name: string): void {
    this.#cache.removeNode(name);
  }

  place(pod: Pod, nodeName: string): void {
    this.#cache.place(pod, nodeName);
  }

  remove(key: string): void {
    this.#cache.remove(key);
  }

  /** Why the pod could not go to the node; empty when it could. */
  refusals(pod: Pod, nodeName: string): readonly string[] {
    const view = this.#cache.views.of(pod);
    const node = this.#cache.find(nodeName);
    const answers = this.#decider.answersFor(view);
    if (answers.blocked) return [answers.blocked.reason];
    if (!node) return ['node not found'];
    return answers.verdictNow(view, node).refusals.map(({ reason }) => reason);
  }

  /** Where the scheduler would put it. */
  find(pod: Pod): string | undefined {
    const decision = this.#decider.decide(this.#cache.views.of(pod), { startAt: 0, random: this.#random });
    return decision.type === 'node' ? decision.node.name : undefined;
  }
}
