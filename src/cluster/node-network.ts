// Where the node's network keeps its files, for the agent that sets it up and for `down`, which takes it away.
import { join } from 'node:path';
import { removeHostNetwork } from '../network/cni/host-network.ts';
import { tableName } from '../network/proxy/base-rules.ts';
import { removeTable } from '../network/proxy/nft.ts';
import type { Layout } from './layout.ts';

export function networkFolders(layout: Layout) {
  return {
    clusterName: layout.name,
    cniConfDir: join(layout.node, 'cni'),
    ipamDir: join(layout.node, 'ipam'),
  };
}

/** Bridge, routes, service rules and settings of the kernel; once the pods are gone. May be repeated. */
export async function removeNodeNetwork(layout: Layout): Promise<void> {
  await removeHostNetwork(networkFolders(layout));
  await removeTable(tableName(layout.name));
}
