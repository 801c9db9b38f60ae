// Where the node's network keeps its files, for the agent that sets it up and for `down`, which takes it away.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { removeHostNetwork } from '../../network/cni/host-network.ts';
import { removeTable } from '../../network/nftables/nft.ts';
import { tunnelName, wireGuardName } from '../../network/overlay/names.ts';
import { removeNodeNetworks } from '../../network/overlay/node-namespaces.ts';
import { allowPlainPackets } from '../../network/overlay/plain-guard.ts';
import { applyRoutes } from '../../network/overlay/route-table.ts';
import { removeTunnel } from '../../network/overlay/tunnel.ts';
import { removeWireGuard } from '../../network/overlay/wireguard-device.ts';
import { policyTableName } from '../../network/policy/base-rules.ts';
import { tableName } from '../../network/proxy/base-rules.ts';
import type { Layout } from '../settings/layout.ts';
import type { NodePlan } from './node-plan.ts';

/** @param cniConfDir of a runtime that is not ours, where it is to find the network there */
export function networkFolders(clusterName: string, nodeFolder: string, cniConfDir = join(nodeFolder, 'cni')) {
  return {
    clusterName,
    cniConfDir,
    ipamDir: join(nodeFolder, 'ipam'),
  };
}

/** Bridge, routes, service rules and settings of the kernel; once the pods are gone. May be repeated. @param node the machine's */
export async function removeNodeNetwork(layout: Layout, podCidr: string, node: NodePlan): Promise<void> {
  const recordDir = join(layout.node, 'switches');
  const isOwn = existsSync(recordDir); // of a machine that joined
  const folders = networkFolders(layout.name, layout.node, node.machineRuntime?.cniConfDir);
  await removeHostNetwork({ ...folders, ...(isOwn ? { recordDir } : {}) });
  await applyRoutes([], { clusterPodCidr: podCidr, tunnelDevice: tunnelName(layout.name) });
  await removeTunnel(tunnelName(layout.name));
  await removeWireGuard(wireGuardName(layout.name, node.name));
  await removeNodeNetworks(layout.name);
  await allowPlainPackets(layout.name);
  await removeTable(tableName(layout.name));
  await removeTable(policyTableName(layout.name));
}
