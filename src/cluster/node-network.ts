// The node's network from the outside: what is left of it when the node agent no longer runs.
import { join } from 'node:path';
import { removeHostNetwork } from '../network/cni/host-network.ts';
import type { Layout } from './layout.ts';
import type { Settings } from './settings.ts';

export async function removeNodeNetwork(layout: Layout, settings: Settings): Promise<void> {
  await removeHostNetwork({ clusterName: layout.name, podCidr: settings.podCidr, stateDir: join(layout.node, 'network') });
}
