// When a disk may be taken from a node that no longer needs it: not while the node says that it is mounted there, unless nothing
// is to be expected of that node any more.
import type { Node } from '../../../generated/core-v1.ts';
import { findCondition } from '../../api/meta/conditions.ts';
import { isManaged } from '../../api/storage/attachable-volumes.ts';
import type { Lister } from '../../reconcile/informer.ts';

/** How long a node that is not ready, or gone, is waited for. */
export const patienceMs = 6 * 60 * 1000;

const outOfService = 'node.kubernetes.io/out-of-service';

const isReady = (node: Node): boolean => findCondition(node.status?.conditions, 'Ready')?.status === 'True';
const isOutOfService = (node: Node): boolean => (node.spec?.taints ?? []).some(({ key }) => key === outOfService);

/** Equal as long as nothing of a node changes that matters to its disks. */
export const standingOf = (node: Node): string =>
  JSON.stringify([node.status?.volumesInUse, isReady(node), isOutOfService(node), isManaged(node)]);

export class DetachWait {
  readonly #nodes: Lister<Node>;
  /** What nodes that are gone had mounted when they were last seen. */
  readonly #lost = new Map<string, readonly string[]>();

  constructor(nodes: Lister<Node>) {
    this.#nodes = nodes;
  }

  nodeGone({ metadata, status }: Node): void {
    this.#lost.set(metadata.name, status?.volumesInUse ?? []);
  }

  nodeCame({ metadata }: Node): void {
    this.#lost.delete(metadata.name);
  }

  /** Nothing of it is waited for any more. */
  forget(nodeName: string): void {
    this.#lost.delete(nodeName);
  }

  /** How long it is still to be waited for; undefined: until the node has something to say. */
  remainingMs(disk: string, nodeName: string, waitedMs: number): number | undefined {
    const node = this.#nodes.find(nodeName);
    // One that was never seen may have had it mounted.
    const mounted = node ? (node.status?.volumesInUse ?? []) : (this.#lost.get(nodeName) ?? [disk]);
    if (!mounted.includes(disk)) return 0;
    if (node && isOutOfService(node)) return 0;
    return node && isReady(node) ? undefined : Math.max(0, patienceMs - waitedMs);
  }
}
