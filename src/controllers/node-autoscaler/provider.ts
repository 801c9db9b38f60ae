// Who makes nodes and takes them away. A cloud would be one; the simulated one is in simulated-provider.ts.
import type { Node } from '../../../generated/core-v1.ts';

export interface NodeGroup {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** How many there are to be: those that exist and those on their way. */
  target(): number;
  /** A node as a new one would be: its name does not count. */
  template(): Node;
  /** Settles when it has been asked for, not when the nodes are there. @throws when it cannot be had */
  increase(by: number, signal: AbortSignal): Promise<void>;
  /** Takes these away, and lowers the target by as many. */
  deleteNodes(nodes: readonly Node[], signal: AbortSignal): Promise<void>;
}

export interface NodeProvider {
  readonly name: string;
  groups(): readonly NodeGroup[];
  /** The group's name; undefined for a node that is nobody's to scale. */
  groupOf(node: Node): string | undefined;
  /** Looks at what exists. Called before each look. */
  refresh(nodes: readonly Node[]): void;
  /** Work beside the looks, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}
