// Keeps this node's ways to the pods of the other nodes: host routes where a node is on the same wire, a VXLAN tunnel
// where a router is in between; or WireGuard to all of them. Every change of a node means "look again at all of them".
import type { Node } from '../../../generated/core-v1.ts';
import { nodeKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';
import { familyOfRange, gatewayOf, rangeOf } from '../addresses.ts';
import { createEncryptedRoutes, type EncryptionOptions, type NodePlace } from './encrypted-routes.ts';
import { wayTo } from './links.ts';
import { linkLocalOf, nodeBridgeName, tunnelName } from './names.ts';
import { peersOf, planRoutes } from './plan-routes.ts';
import { applyRoutes, ensureLinkLocal } from './route-table.ts';
import { ensureTunnel, removeTunnel } from './tunnel.ts';
import { wireGuardOf } from './wireguard-end.ts';

export interface PodRoutesOptions extends NodePlace {
  /** Tells tunnels of several clusters apart: 24 bits, the same on every node. */
  readonly tunnelId: number;
  /** Packets to other nodes go through WireGuard and no other way. Absent: as they are. */
  readonly encryption?: EncryptionOptions;
  readonly informers: InformerFactory;
  readonly clock: Clock;
}

const retryMs = 1_000;
/** Somebody may take routes away, or a router may appear between nodes. */
const resyncMs = 30_000;

export function createPodRoutes(options: PodRoutesOptions): Component {
  const { informers, nodeName, clock, log } = options;
  const nodes = informers.informer(nodeKind);
  let wake = Promise.withResolvers<void>();
  const look = () => wake.resolve();
  // Somebody may take away what this node told of itself.
  const textOf = (node: Node) => JSON.stringify([peersOf([node], nodeName), wireGuardOf(node)]);
  nodes.onChange({
    added: look,
    deleted: look,
    updated: (next, previous) => textOf(next) !== textOf(previous) && look(),
  });
  const encrypted = options.encryption && createEncryptedRoutes(options, options.encryption, look);
  return {
    name: 'pod-routes',
    async run(signal) {
      using _encrypted = encrypted;
      signal.addEventListener('abort', () => wake.resolve(), { once: true });
      await informers.waitForSync(signal);
      while (!signal.aborted) {
        wake = Promise.withResolvers();
        let pauseMs = resyncMs;
        try {
          if (encrypted) await encrypted.sync(nodes.list());
          else await sync(options, peersOf(nodes.list(), nodeName));
        } catch (error) {
          log.warn('routes to the pods of other nodes could not be set', { problem: String(error) });
          pauseMs = retryMs;
        }
        using _timer = clock.timer(pauseMs, look);
        await wake.promise;
      }
    },
  };
}

async function sync(options: PodRoutesOptions, peers: ReturnType<typeof peersOf>): Promise<void> {
  const { nodeName, machine, tunnelId, clusterPodCidr, address: own } = options;
  const bridge = nodeBridgeName(options.clusterName);
  const tunnelDevice = tunnelName(options.clusterName);
  const ways = new Map(await Promise.all(peers.map(async ({ address }) => [address, await wayTo(address)] as const)));
  // The same wire is one on which both have the addresses they are known by: then both see it so.
  const wireTo = (address: string) => {
    const way = ways.get(address);
    return way && !way.gateway && (way.source === own || way.device === bridge) ? way.device : undefined;
  };
  const reachable = peers.filter((peer) => peer.machine ?? ways.get(peer.address));
  const routes = planRoutes(reachable, { nodeName, machine, tunnelId, tunnelDevice, wireTo });
  const throughTunnel = routes.filter(({ tunnel }) => tunnel);
  if (throughTunnel.length > 0) {
    const device = ways.get(throughTunnel[0]!.tunnel!.address)!.device;
    const mtu = await ensureTunnel({ ...options, device: tunnelDevice, underlay: device });
    await options.onPacketSize?.(mtu);
  }
  const ownOf6 = rangeOf(options.podCidr, 'IPv6');
  const wiresOf6 = routes.filter(({ podCidr, tunnel }) => !tunnel && familyOfRange(podCidr) === 'IPv6');
  for (const device of new Set(wiresOf6.map((route) => route.device))) await ensureLinkLocal(linkLocalOf(own), device);
  await applyRoutes(routes, { clusterPodCidr, tunnelDevice, sourceOf6: ownOf6 && gatewayOf(ownOf6) });
  if (throughTunnel.length === 0) await removeTunnel(tunnelDevice);
}
