// Names of interfaces and namespaces. The kernel allows 15 letters, so what is longer becomes a digest.
import { createHash } from 'node:crypto';
import { formatIp, parseIp } from '../../api/meta/ip-address.ts';

const maxLength = 15;
const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const short = (prefix: string, name: string) =>
  prefix.length + name.length <= maxLength ? prefix + name : prefix + digest(name).slice(0, maxLength - prefix.length);

/** The bridge on the machine that joins the nodes of a cluster; pods are on others, called `cor-`. */
export const nodeBridgeName = (clusterName: string) => short('corn-', clusterName);

/** The machine's end of the cable to a node. */
export const nodeLinkName = (clusterName: string, nodeName: string) =>
  `corv-${digest(`${clusterName}.${nodeName}`).slice(0, maxLength - 5)}`;

/** Under /run/netns. Names of clusters have no dot: where the node's name begins is never in doubt. */
export const nodeNamespaceName = (clusterName: string, nodeName: string) => `coracle-${clusterName}.${nodeName}`;

/** The table that leads nodes to the outside. */
export const nodeTableName = (clusterName: string) => `coracle-${clusterName}.nodes`;

/** The device that carries packets between pods of nodes that have a router between them. */
export const tunnelName = (clusterName: string) => short('corx-', clusterName);

/**
 * The device that encrypts packets between pods of different nodes. Its name is a node's own: whoever is behind it in user
 * space has a socket of that name, which all namespaces of a machine share.
 */
export const wireGuardName = (clusterName: string, nodeName: string) =>
  `corw-${digest(`${clusterName}.${nodeName}`).slice(0, maxLength - 5)}`;

/** The address of a node's end of the tunnel on the wire. It follows from the node's name: nobody has to tell it. */
export function tunnelMac(tunnelId: number, nodeName: string): string {
  const bytes = digest(`tunnel ${tunnelId} ${nodeName}`).slice(0, 10).match(/../g)!;
  return ['02', ...bytes].join(':');
}

/**
 * The address by which a node is a router of IPv6 on a wire. It follows from the address of IPv4 that nodes are known by,
 * so that no wire needs a range of IPv6.
 */
export function linkLocalOf(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return formatIp(parseIp(`fe80::c0ca:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`)!);
}
