import type { Node } from '../../../generated/core-v1.ts';
import { nodeKind } from '../../../generated/kinds.ts';
import type { Client } from '../../client/client.ts';
import type { Lister } from '../../reconcile/informer.ts';

export interface NodeReport {
  readonly nodeName: string;
  readonly disk: string;
  readonly isAttached: boolean;
}

/**
 * Says in the node's status whether it has the disk. Gives false when it said so before, or there is no such node.
 *
 * @throws a conflict when the node was changed since the cache saw it: it may have begun to mount what is to be taken away
 */
export async function report(
  { client, nodes }: { readonly client: Client; readonly nodes: Lister<Node> },
  { nodeName, disk, isAttached }: NodeReport,
  signal: AbortSignal,
): Promise<boolean> {
  const node = nodes.find(nodeName);
  if (!node) return false;
  const now = node.status?.volumesAttached ?? [];
  if (now.some(({ name }) => name === disk) === isAttached) return false;
  const volumesAttached = isAttached
    ? [...now, { name: disk, devicePath: '' }]
    : now.filter(({ name }) => name !== disk);
  const patch = { metadata: { resourceVersion: node.metadata.resourceVersion }, status: { volumesAttached } };
  const options = { type: 'merge', subresource: 'status', signal } as const;
  await client.resource(nodeKind).patch({ namespace: '', name: nodeName }, patch, options);
  return true;
}
