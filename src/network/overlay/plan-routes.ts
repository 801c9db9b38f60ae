// Which ways a node needs to the pods of the others: pure.
import type { Node } from '../../../generated/core-v1.ts';
import { addressAt, familyOf, familyOfRange } from '../addresses.ts';
import { linkLocalOf, tunnelMac } from './names.ts';
import { type WireGuardEnd, wireGuardOf } from './wireguard-end.ts';

/** Label of a node in a namespace: the node that is the machine it is on. Others reach it by way of that one. */
export const machineLabel = 'coracle.dev/machine';

/** Another node, as far as packets are concerned. */
export interface Peer {
  readonly name: string;
  /** Of IPv4: nodes are known to each other by it. */
  readonly address: string;
  /** One, or one of each family. */
  readonly podCidrs: readonly string[];
  /** The node it is on, when it is not a machine itself. */
  readonly machine?: string;
  /** When its object was made: `2026-01-31T12:00:00Z`. */
  readonly since: string;
  /** Its end, where the pod network is encrypted. */
  readonly wireGuard?: WireGuardEnd;
}

/** The way to one node's pods: on the same wire by its address, else through the tunnel; or into a device that knows itself. */
export interface PodRoute {
  readonly podCidr: string;
  readonly via?: string;
  readonly device: string;
  /** The far end of the tunnel. */
  readonly tunnel?: { readonly mac: string; readonly address: string };
}

/** The nodes that have a range and an address, but this one. Of two that claim one range, neither gets packets. */
export function peersOf(nodes: readonly Node[], self: string): Peer[] {
  const peers = nodes.flatMap(({ metadata, spec, status }): Peer[] => {
    const podCidrs = spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
    const address = status?.addresses?.find((each) => each.type === 'InternalIP' && familyOf(each.address) === 'IPv4');
    if (metadata.name === self || !podCidrs.some((cidr) => familyOfRange(cidr) === 'IPv4') || !address) return [];
    const machine = metadata.labels?.[machineLabel];
    const wireGuard = wireGuardOf({ metadata });
    const further = { ...(machine ? { machine } : {}), ...(wireGuard ? { wireGuard } : {}) };
    const since = metadata.creationTimestamp ?? '';
    return [{ name: metadata.name, address: address.address, podCidrs, since, ...further }];
  });
  const claims = new Map<string, number>();
  for (const podCidr of peers.flatMap(({ podCidrs }) => podCidrs)) claims.set(podCidr, (claims.get(podCidr) ?? 0) + 1);
  return peers.filter(({ podCidrs }) => podCidrs.every((cidr) => claims.get(cidr) === 1));
}

export interface Surroundings {
  readonly nodeName: string;
  /** The node that this one is on, when it is not a machine itself. */
  readonly machine?: string | undefined;
  readonly tunnelId: number;
  readonly tunnelDevice: string;
  /** The device of an address on the same wire; undefined when a router is in between. */
  wireTo(address: string): string | undefined;
}

/** Peers that nothing is known to lead to are left out. */
export function planRoutes(peers: readonly Peer[], surroundings: Surroundings): PodRoute[] {
  const byName = new Map(peers.map((peer) => [peer.name, peer]));
  return peers.flatMap((peer) => {
    const next = nextHop(peer, byName, surroundings);
    return next ? peer.podCidrs.map((podCidr) => routeTo(podCidr, next, surroundings)) : [];
  });
}

/** Whom to hand a packet for a peer's pods: the peer, its machine, or ours. */
export function nextHop(
  peer: Peer,
  byName: ReadonlyMap<string, Peer>,
  { nodeName, machine }: Pick<Surroundings, 'nodeName' | 'machine'>,
): Peer | undefined {
  if (machine) return peer.name === machine || peer.machine === machine ? peer : byName.get(machine);
  return peer.machine && peer.machine !== nodeName ? byName.get(peer.machine) : peer;
}

function routeTo(podCidr: string, next: Peer, { tunnelId, tunnelDevice, wireTo }: Surroundings): PodRoute {
  const device = wireTo(next.address);
  if (familyOfRange(podCidr) === 'IPv6') {
    const via = linkLocalOf(next.address);
    return device ? { podCidr, via, device } : { podCidr, via, device: tunnelDevice, tunnel: endOf(tunnelId, next) };
  }
  if (device) return { podCidr, via: next.address, device };
  // The far end's own address is the first of its range, which no pod has.
  const via = addressAt(next.podCidrs.find((cidr) => familyOfRange(cidr) === 'IPv4')!, 0);
  return { podCidr, via, device: tunnelDevice, tunnel: endOf(tunnelId, next) };
}

const endOf = (tunnelId: number, { name, address }: Peer) => ({ mac: tunnelMac(tunnelId, name), address });
