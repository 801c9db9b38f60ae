// Who a node speaks WireGuard with, and which pods are behind each: pure.
import { contains, familyOfRange, parseRange, rangeOf } from '../addresses.ts';
import { nextHop, type Peer, type PodRoute } from './plan-routes.ts';
import type { WireGuardEnd } from './wireguard-end.ts';

export interface WireGuardPeer extends WireGuardEnd {
  /** Ranges that packets from it may come from, and that packets to it go to. */
  readonly allowedIps: readonly string[];
}

export interface EncryptedPlan {
  readonly peers: readonly WireGuardPeer[];
  readonly routes: readonly PodRoute[];
  /** Nodes that get no packets, since they, or who leads to them, have told of no key of their own. */
  readonly keyless: readonly string[];
}

export interface EncryptedSurroundings {
  readonly nodeName: string;
  /** The node that this one is on, when it is not a machine itself. */
  readonly machine?: string | undefined;
  /** This node's own. */
  readonly publicKey: string;
  readonly device: string;
  /** The whole cluster's; what is outside is nobody's to claim. */
  readonly clusterPodCidr: string;
}

export function planEncrypted(peers: readonly Peer[], surroundings: EncryptedSurroundings): EncryptedPlan {
  const { nodeName, machine, publicKey, device, clusterPodCidr } = surroundings;
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  const owners = ownersOfKeys(peers, publicKey);
  const ends = new Map<string, { end: WireGuardEnd; allowedIps: string[] }>();
  const routes: PodRoute[] = [];
  const keyless: string[] = [];
  for (const peer of peers) {
    const next = nextHop(peer, byName, { nodeName, machine });
    const end = next && owners.get(next.wireGuard?.publicKey ?? '') === next.name ? next.wireGuard : undefined;
    if (!end) {
      keyless.push(peer.name);
      continue;
    }
    const known = ends.get(end.publicKey) ?? { end, allowedIps: [] };
    ends.set(end.publicKey, known);
    for (const podCidr of peer.podCidrs.filter((cidr) => isWithin(clusterPodCidr, cidr))) {
      known.allowedIps.push(podCidr);
      routes.push({ podCidr, device });
    }
  }
  const own = machine ? byName.get(machine)?.wireGuard?.publicKey : undefined;
  const wanted = [...ends.values()].map(({ end, allowedIps }) => {
    const ranges = end.publicKey === own ? withWorldOutside(allowedIps) : allowedIps;
    return { ...end, allowedIps: ranges.sort() };
  });
  return { peers: wanted, routes, keyless };
}

/** In IPv6 pods of a node in a namespace are known to the world by their own addresses: what it answers comes from its machine. */
function withWorldOutside(ranges: readonly string[]): string[] {
  const ranges4 = ranges.filter((range) => familyOfRange(range) === 'IPv4');
  return ranges4.length < ranges.length ? [...ranges4, '::/0'] : ranges4;
}

/** Of two that tell of one key the older node keeps it: nobody takes another's packets, or keeps them from it, by a claim. */
function ownersOfKeys(peers: readonly Peer[], own: string): ReadonlyMap<string, string> {
  const ages = [...peers].sort((a, b) => (a.since === b.since ? compare(a.name, b.name) : compare(a.since, b.since)));
  const owners = new Map([[own, '']]);
  for (const { name, wireGuard } of ages)
    if (wireGuard && !owners.has(wireGuard.publicKey)) owners.set(wireGuard.publicKey, name);
  return owners;
}

const compare = (a: string, b: string) => (a < b ? -1 : 1);

function isWithin(clusterPodCidr: string, podCidr: string): boolean {
  const cluster = rangeOf(clusterPodCidr, familyOfRange(podCidr)!);
  if (!cluster || !contains(cluster, podCidr.split('/')[0]!)) return false;
  return parseRange(podCidr).prefixLength >= parseRange(cluster).prefixLength;
}
