// What runs where, kept up to date by differences. A pod that was given a node counts there from that moment (assumed),
// before the API server has said so.
import type { Node, Pod } from '../../generated/core-v1.ts';
import { type PodView, viewOf } from './pod-view.ts';
import { type Amounts, addAmounts, amountsOf } from './resources.ts';

export interface NodeView {
  readonly name: string;
  readonly node: Node;
  readonly labels: Readonly<Record<string, string>>;
  readonly allocatable: Amounts;
  readonly requested: Amounts;
  readonly scoringRequested: Amounts;
  readonly pods: ReadonlyMap<string, PodView>;
  /** How many of its pods keep others away. */
  readonly antiAffinityPods: number;
  /** How many of its pods care for their neighbours. */
  readonly affinityPods: number;
  /** Image name → bytes. */
  readonly images: ReadonlyMap<string, number>;
}

type Changing = { -readonly [Key in keyof NodeView]: NodeView[Key] } & { pods: Map<string, PodView>; isKnown: boolean };

const noNode = (name: string): Node => ({ metadata: { name }, spec: {} });

export class NodeCache {
  readonly #nodes = new Map<string, Changing>();
  /** Pod key → node name, for pods that count somewhere. */
  readonly #placed = new Map<string, string>();
  #list: NodeView[] | undefined;
  #antiAffinityPods = 0;
  #affinityPods = 0;

  /** Nodes that exist, in order of name. The views are live: copy nothing, keep nothing over a turn. */
  get nodes(): readonly NodeView[] {
    this.#list ??= [...this.#nodes.values()].filter((each) => each.isKnown).sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#list;
  }

  get antiAffinityPods(): number {
    return this.#antiAffinityPods;
  }

  get affinityPods(): number {
    return this.#affinityPods;
  }

  find(name: string): NodeView | undefined {
    const found = this.#nodes.get(name);
    return found?.isKnown ? found : undefined;
  }

  setNode(node: Node): void {
    const entry = this.#entry(node.metadata.name);
    if (!entry.isKnown) this.#list = undefined;
    entry.isKnown = true;
    entry.node = node;
    entry.labels = node.metadata.labels ?? {};
    entry.allocatable = amountsOf(node.status?.allocatable);
    entry.images = new Map(
      (node.status?.images ?? []).flatMap((image) =>
        (image.names ?? []).map((name) => [name, image.sizeBytes ?? 0] as const),
      ),
    );
  }

  removeNode(name: string): void {
    const entry = this.#nodes.get(name);
    if (!entry) return;
    entry.isKnown = false;
    this.#list = undefined;
    this.#forgetEmpty(entry);
  }

  /** The pod counts on its node (or on `nodeName`, when assumed). Replaces what was known of it. */
  place(pod: Pod, nodeName: string): void {
    const view = viewOf(pod);
    this.remove(view.key);
    this.#count(this.#entry(nodeName), view, 1);
    this.#placed.set(view.key, nodeName);
  }

  remove(key: string): void {
    const nodeName = this.#placed.get(key);
    if (nodeName === undefined) return;
    this.#placed.delete(key);
    const entry = this.#nodes.get(nodeName)!;
    this.#count(entry, entry.pods.get(key)!, -1);
    this.#forgetEmpty(entry);
  }

  placeOf(key: string): string | undefined {
    return this.#placed.get(key);
  }

  #entry(name: string): Changing {
    let entry = this.#nodes.get(name);
    if (!entry) {
      entry = {
        name,
        node: noNode(name),
        labels: {},
        allocatable: new Map(),
        requested: new Map(),
        scoringRequested: new Map(),
        pods: new Map(),
        antiAffinityPods: 0,
        affinityPods: 0,
        images: new Map(),
        isKnown: false,
      };
      this.#nodes.set(name, entry);
    }
    return entry;
  }

  #count(entry: Changing, view: PodView, sign: 1 | -1): void {
    addAmounts(entry.requested, view.requests, sign);
    addAmounts(entry.scoringRequested, view.scoringRequests, sign);
    if (view.hasAntiAffinity) {
      entry.antiAffinityPods += sign;
      this.#antiAffinityPods += sign;
    }
    if (view.hasPodAffinity) {
      entry.affinityPods += sign;
      this.#affinityPods += sign;
    }
    if (sign > 0) entry.pods.set(view.key, view);
    else entry.pods.delete(view.key);
  }

  #forgetEmpty(entry: Changing): void {
    if (!entry.isKnown && entry.pods.size === 0) this.#nodes.delete(entry.name);
  }
}

/** The node as it would be without some of its pods: for asking what preemption would free. */
export function without(node: NodeView, keys: ReadonlySet<string>): NodeView {
  const requested = new Map(node.requested);
  const scoringRequested = new Map(node.scoringRequested);
  const pods = new Map(node.pods);
  let { antiAffinityPods, affinityPods } = node;
  for (const key of keys) {
    const view = pods.get(key);
    if (!view) continue;
    pods.delete(key);
    addAmounts(requested, view.requests, -1);
    addAmounts(scoringRequested, view.scoringRequests, -1);
    if (view.hasAntiAffinity) antiAffinityPods--;
    if (view.hasPodAffinity) affinityPods--;
  }
  return { ...node, requested, scoringRequested, pods, antiAffinityPods, affinityPods };
}

/** The node as it would be with more pods. */
export function withPods(node: NodeView, more: readonly PodView[]): NodeView {
  const requested = new Map(node.requested);
  const scoringRequested = new Map(node.scoringRequested);
  const pods = new Map(node.pods);
  for (const view of more) {
    pods.set(view.key, view);
    addAmounts(requested, view.requests);
    addAmounts(scoringRequested, view.scoringRequests);
  }
  return { ...node, requested, scoringRequested, pods };
}
