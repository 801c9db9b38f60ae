// Further nodes on one machine: each has a network namespace with an address of its own, on one bridge with the machine.
// Made again at each start (a reboot takes it all away), and gone with removeNodeNetworks.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { addressAt, parseRange, rangeOf } from '../addresses.ts';
import { allowForwarding, stopAllowingForwarding } from '../cni/forward-policy.ts';
import { emptyTable, nft, removeTable } from '../nftables/nft.ts';
import { inRange, match, meta, type PacketFamily, payload, type Rule } from '../nftables/rule-set.ts';
import { runCommand } from '../run-command.ts';
import { hasLink } from './links.ts';
import { linkLocalOf, nodeBridgeName, nodeLinkName, nodeNamespaceName, nodeTableName, wireGuardName } from './names.ts';
import { ensureLinkLocal } from './route-table.ts';
import { removeWireGuard } from './wireguard-device.ts';

export interface NodeNetworkOptions {
  readonly clusterName: string;
  /** Addresses of nodes; the machine has the first. */
  readonly nodeCidr: string;
  /** Addresses of all pods of the cluster. */
  readonly clusterPodCidr: string;
}

export interface NodeNamespaceOptions extends NodeNetworkOptions {
  readonly nodeName: string;
  readonly address: string;
  /** The machine's own address as a node, which is reached without a router. */
  readonly machineAddress: string;
}

const namespaceFolder = '/run/netns';

/** The bridge, the machine's address on it, and the way out. May be repeated. @throws CommandFailure */
export async function ensureNodeBridge(options: NodeNetworkOptions): Promise<void> {
  const bridge = nodeBridgeName(options.clusterName);
  if (!(await hasLink(bridge))) await runCommand('ip', ['link', 'add', bridge, 'type', 'bridge']);
  const { prefixLength } = parseRange(options.nodeCidr);
  await runCommand('ip', ['address', 'replace', `${addressAt(options.nodeCidr, 1)}/${prefixLength}`, 'dev', bridge]);
  await runCommand('ip', ['link', 'set', bridge, 'up']);
  const range6 = rangeOf(options.clusterPodCidr, 'IPv6');
  if (range6) await ensureLinkLocal(routerOf(options.nodeCidr), bridge);
  await allowForwarding(bridge, range6 !== undefined);
  await nft.apply(planWayOut(options));
}

/** By which the machine is the way out for its further nodes, in IPv6. */
const routerOf = (nodeCidr: string) => linkLocalOf(addressAt(nodeCidr, 1));

/**
 * Nodes reach the world with the machine's address; each other, and pods, with their own. In IPv6 a node has no address
 * but those of its pods' range, and what its pods send to the world arrives with one of those.
 */
function planWayOut({ clusterName, nodeCidr, clusterPodCidr }: NodeNetworkOptions) {
  const name = nodeTableName(clusterName);
  const bridge = nodeBridgeName(clusterName);
  const [pods4, pods6] = [rangeOf(clusterPodCidr, 'IPv4')!, rangeOf(clusterPodCidr, 'IPv6')];
  const leave = (family: PacketFamily, from: Rule, pods: string) => {
    const at = { family, table: name };
    const rule = [
      ...from,
      match(payload(family, 'daddr'), inRange(pods), '!='),
      match(meta('oifname'), bridge, '!='),
      { masquerade: null },
    ];
    return [
      ...emptyTable(family, name),
      { add: { chain: { ...at, name: 'leave', type: 'nat', hook: 'postrouting', prio: 100, policy: 'accept' } } },
      { add: { rule: { ...at, chain: 'leave', expr: rule } } },
    ];
  };
  return [
    ...leave('ip', [match(payload('ip', 'saddr'), inRange(nodeCidr))], pods4),
    ...(pods6
      ? leave('ip6', [match(meta('iifname'), bridge), match(payload('ip6', 'saddr'), inRange(pods6))], pods6)
      : []),
  ];
}

/** The bare namespace, where a reboot took it away: what is left of its pods is cleared from inside. May be repeated. */
export async function ensureBareNamespace(path: string): Promise<void> {
  if (!existsSync(path)) await runCommand('ip', ['netns', 'add', basename(path)]);
}

/** Gives the namespace's path. May be repeated; what runs inside is not disturbed. @throws CommandFailure */
export async function ensureNodeNamespace(options: NodeNamespaceOptions): Promise<string> {
  const { clusterName, nodeName, nodeCidr, address, machineAddress } = options;
  const name = nodeNamespaceName(clusterName, nodeName);
  const inside = (...args: readonly string[]) => runCommand('ip', ['-n', name, ...args]);
  const link = nodeLinkName(clusterName, nodeName);
  await ensureBareNamespace(`${namespaceFolder}/${name}`);
  if (!(await hasLink('eth0', name))) {
    // The other end may be in a namespace of that name that is gone.
    if (await hasLink(link)) await runCommand('ip', ['link', 'delete', link]);
    await runCommand('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  }
  await runCommand('ip', ['link', 'set', link, 'master', nodeBridgeName(clusterName), 'up']);
  // What a node sends to a port of the machine may lead back to itself, and the bridge sees that it does.
  await runCommand('ip', ['link', 'set', link, 'type', 'bridge_slave', 'hairpin', 'on']);
  await inside('link', 'set', 'lo', 'up');
  await inside('address', 'replace', `${address}/${parseRange(nodeCidr).prefixLength}`, 'dev', 'eth0');
  await inside('link', 'set', 'eth0', 'up');
  await inside('route', 'replace', 'default', 'via', addressAt(nodeCidr, 1), 'dev', 'eth0');
  await inside('route', 'replace', `${machineAddress}/32`, 'dev', 'eth0', 'src', address);
  if (rangeOf(options.clusterPodCidr, 'IPv6'))
    await inside('-6', 'route', 'replace', 'default', 'via', routerOf(nodeCidr), 'dev', 'eth0');
  return `${namespaceFolder}/${name}`;
}

/** The namespace with all that is in it; once nothing runs there. May be repeated. */
export async function removeNodeNamespace(clusterName: string, nodeName: string): Promise<void> {
  const name = nodeNamespaceName(clusterName, nodeName);
  const isThere = existsSync(`${namespaceFolder}/${name}`);
  await removeWireGuard(wireGuardName(clusterName, nodeName), isThere ? name : undefined);
  if (isThere) await runCommand('ip', ['netns', 'delete', name]);
  // The namespace itself may live on for a moment in processes that end; its cable goes now.
  const link = nodeLinkName(clusterName, nodeName);
  if (await hasLink(link)) await runCommand('ip', ['link', 'delete', link]).catch(() => ''); // gone between look and call
}

/** Every namespace of the cluster, the bridge and the way out. May be repeated. */
export async function removeNodeNetworks(clusterName: string): Promise<void> {
  const prefix = nodeNamespaceName(clusterName, '');
  const names = await readdir(namespaceFolder).catch(() => []);
  for (const name of names) {
    if (name.startsWith(prefix)) await removeNodeNamespace(clusterName, name.slice(prefix.length));
  }
  const bridge = nodeBridgeName(clusterName);
  if (await hasLink(bridge)) {
    await stopAllowingForwarding(bridge);
    await runCommand('ip', ['link', 'delete', bridge]);
    await removeTable(nodeTableName(clusterName));
  }
}
