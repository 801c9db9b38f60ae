// What the scheduler would do if the cluster were otherwise. It is made of the scheduler's own filters; who puts the cluster
// together hands it in.
import type { Node, Pod } from '../../../generated/core-v1.ts';

export interface Trial {
  setNode(node: Node): void;
  removeNode(name: string): void;
  place(pod: Pod, nodeName: string): void;
  /** @param key `namespace/name` */
  remove(key: string): void;
  /** Why the pod could not go there; empty when it could. */
  refusals(pod: Pod, nodeName: string): readonly string[];
  /** Where the pod would go. */
  find(pod: Pod): string | undefined;
}

/** An empty one. */
export type NewTrial = () => Trial;
