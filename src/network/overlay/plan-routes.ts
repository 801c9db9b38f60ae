// Which ways a node needs to the pods of the others: pure.
import type { Node } from '../../../generated/core-v1.ts';
import { addressAt, familyOf } from '../addresses.ts';
import { tunnelMac } from './names.ts';

/** Another node, as far as packets are concerned. */
export interface Peer {
  readonly name: string;
  readonly address: string;
  readonly podCidr: string;
}

/** The way to one node's pods: on the same wire by its address, else through the tunnel. */
export interface PodRoute {
  readonly podCidr: string;
  readonly via: string;
  readonly device: string;
  /** The far end of the tunnel. */
  readonly tunnel?: { readonly mac: string; readonly address: string };
}

/** The nodes that have a range and an address, but this one. Of two that claim one range, neither gets packets. */
export function peersOf(nodes: readonly Node[], self: string): Peer[] {
  const peers = nodes.flatMap(({ metadata, spec, status }): Peer[] => {
    const podCidr = spec?.podCIDR;
    const address = status?.addresses?.find((each) => each.type === 'InternalIP' && familyOf(each.address) === 'IPv4');
    if (metadata.name === self || !podCidr || familyOf(podCidr.split('/')[0]!) !== 'IPv4' || !address) return [];
    return [{ name: metadata.name, address: address.address, podCidr }];
  });
  const claims = new Map<string, number>();
  for (const { podCidr } of peers) claims.set(podCidr, (claims.get(podCidr) ?? 0) + 1);
  return peers.filter(({ podCidr }) => claims.get(podCidr) === 1);
}

export interface Surroundings {
  readonly tunnelId: number;
  readonly tunnelDevice: string;
  /** The device of a peer on the same wire; undefined when a router is in between. */
  wireTo(address: string): string | undefined;
}

export function planRoutes(peers: readonly Peer[], { tunnelId, tunnelDevice, wireTo }: Surroundings): PodRoute[] {
  return peers.map(({ name, address, podCidr }) => {
    const device = wireTo(address);
    if (device) return { podCidr, via: address, device };
    // The far end's own address is the first of its range, which no pod has.
    const via = addressAt(podCidr, 0);
    return { podCidr, via, device: tunnelDevice, tunnel: { mac: tunnelMac(tunnelId, name), address } };
  });
}
