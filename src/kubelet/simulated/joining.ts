// Nodes that come and go while the cluster runs: whoever makes a Node object with the annotation of a fake node gets one that
// lives, and one whose object is deleted is gone.
import type { Node } from '../../../generated/core-v1.ts';
import { nodeKind } from '../../../generated/kinds.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { type Fleet, fakeNodeAnnotation, machineOf } from './fleet.ts';
import type { SimulatedNodesOptions } from './options.ts';
import { defaultMaxPods, registerJoined, simulatedMachine } from './register.ts';

const pollMs = 5;

export class Joining {
  readonly #options: SimulatedNodesOptions;
  readonly #fleet: Fleet;
  readonly #nodes: Informer<Node>;
  readonly #joined: (nodeName: string) => void;
  readonly #signal: AbortSignal;
  readonly #underWay = new Set<Promise<void>>();

  /** @param joined called when pods of this node can be taken up */
  constructor(options: SimulatedNodesOptions, fleet: Fleet, joined: (nodeName: string) => void, signal: AbortSignal) {
    this.#options = options;
    this.#fleet = fleet;
    this.#joined = joined;
    this.#signal = signal;
    // Of thousands of nodes nothing but their names and annotations is kept.
    this.#nodes = options.informers.informer<Node>({ ...nodeKind, metadataOnly: true });
    this.#nodes.onChange({
      added: (node) => this.#added(node),
      updated: (node) => {
        fleet.seen(node);
        this.#added(node);
      },
      deleted: ({ metadata }) => fleet.remove(metadata.name),
    });
  }

  /** Until those that joined before this start are known: their pods go on. */
  async untilKnown(): Promise<void> {
    while (!this.#nodes.hasSynced && !this.#signal.aborted) await this.#options.clock.sleep(pollMs, this.#signal);
    await this.done();
  }

  async done(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #added({ metadata }: Node): void {
    if (metadata.annotations?.[fakeNodeAnnotation] !== 'fake' || metadata.deletionTimestamp) return;
    if (this.#fleet.find(metadata.name)) return;
    const work = this.#join(metadata.name).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async #join(name: string): Promise<void> {
    const { client, log } = this.#options;
    const usual = simulatedMachine(this.#options);
    const usualPods = this.#options.maxPods ?? defaultMaxPods;
    try {
      const node = await client.resource(nodeKind).find({ namespace: '', name });
      if (!node || this.#fleet.find(name)) return;
      const { machine, maxPods } = machineOf(node, usual, usualPods);
      const face = this.#fleet.add(name, machine, maxPods);
      await registerJoined(this.#options, this.#fleet, face, this.#signal);
      this.#joined(name);
    } catch (error) {
      log.warn('a node could not join the simulated ones', { node: name, error: String(error) });
    }
  }
}
