import type { PodView } from './pod-view.ts';

/** Pods that were promised a node once their victims have gone: weaker pods must leave the room for them. */
export class Nominations {
  readonly #byNode = new Map<string, Map<string, PodView>>();
  readonly #nodeOf = new Map<string, string>();
  readonly #changed: (node: string) => void;

  /** `changed` is told of each node for which another set of pods counts. */
  constructor(changed: (node: string) => void = () => {}) {
    this.#changed = changed;
  }

  /** An empty node takes the promise back. */
  set(view: PodView, node: string | undefined): void {
    this.remove(view.key);
    if (!node) return;
    this.#nodeOf.set(view.key, node);
    const there = this.#byNode.get(node) ?? new Map<string, PodView>();
    this.#byNode.set(node, there.set(view.key, view));
    this.#changed(node);
  }

  remove(key: string): void {
    const node = this.#nodeOf.get(key);
    if (node === undefined) return;
    this.#nodeOf.delete(key);
    const there = this.#byNode.get(node);
    there?.delete(key);
    if (there?.size === 0) this.#byNode.delete(node);
    this.#changed(node);
  }

  get size(): number {
    return this.#nodeOf.size;
  }

  nodeOf(key: string): string | undefined {
    return this.#nodeOf.get(key);
  }

  /** Pods promised the node that `pod` must not push aside. */
  before(pod: { readonly key: string; readonly priority: number }, node: string): readonly PodView[] {
    if (this.#byNode.size === 0) return nobody;
    const there = this.#byNode.get(node);
    if (!there) return nobody;
    return [...there.values()].filter((other) => other.key !== pod.key && other.priority >= pod.priority);
  }
}

const nobody: readonly PodView[] = [];
