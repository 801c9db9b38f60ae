// Makes the kernel's routes, neighbours and tunnel ends equal to a plan; what is right already is left alone.
import { runCommand } from '../run-command.ts';
import { hasLink } from './links.ts';
import type { PodRoute } from './plan-routes.ts';

/** Marks routes as ours. */
const protocol = '110';

export interface RouteTableOptions {
  readonly clusterPodCidr: string;
  readonly tunnelDevice: string;
}

interface KernelRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
}

/** May be repeated. @throws CommandFailure */
export async function applyRoutes(routes: readonly PodRoute[], options: RouteTableOptions): Promise<void> {
  if (await hasLink(options.tunnelDevice)) await applyTunnelEnds(routes, options.tunnelDevice);
  const listed = await runCommand('ip', ['-j', 'route', 'show', 'root', options.clusterPodCidr, 'proto', protocol]);
  const known = new Map((JSON.parse(listed || '[]') as KernelRoute[]).map((each) => [each.dst, each]));
  for (const { podCidr, via, device, tunnel } of routes) {
    const now = known.get(podCidr);
    known.delete(podCidr);
    if (now?.gateway === via && now.dev === device) continue;
    // The tunnel's far end is no neighbour by its address: the kernel must be told to believe it.
    const onLink = tunnel ? ['onlink'] : [];
    await runCommand('ip', ['route', 'replace', podCidr, 'via', via, 'dev', device, ...onLink, 'proto', protocol]);
  }
  for (const dst of known.keys()) await runCommand('ip', ['route', 'delete', dst, 'proto', protocol]);
}

interface Neighbour {
  readonly dst: string;
  readonly lladdr?: string;
}

interface ForwardingEntry {
  readonly mac: string;
  readonly dst?: string;
}

async function applyTunnelEnds(routes: readonly PodRoute[], device: string): Promise<void> {
  const ends = new Map(routes.filter((each) => each.tunnel).map((each) => [each.via, each]));
  const neighbours = JSON.parse(
    (await runCommand('ip', ['-j', 'neigh', 'show', 'dev', device, 'nud', 'permanent'])) || '[]',
  ) as Neighbour[];
  const macs = new Map(neighbours.map(({ dst, lladdr }) => [dst, lladdr]));
  const entries = JSON.parse(
    (await runCommand('bridge', ['-j', 'fdb', 'show', 'dev', device])) || '[]',
  ) as ForwardingEntry[];
  const places = new Map(entries.map(({ mac, dst }) => [mac, dst]));
  for (const { via, tunnel } of ends.values()) {
    const { mac, address } = tunnel!;
    if (macs.get(via) !== mac)
      await runCommand('ip', ['neigh', 'replace', via, 'lladdr', mac, 'dev', device, 'nud', 'permanent']);
    if (places.get(mac) !== address) await runCommand('bridge', ['fdb', 'replace', mac, 'dev', device, 'dst', address]);
    macs.delete(via);
    places.delete(mac);
  }
  for (const dst of macs.keys()) await runCommand('ip', ['neigh', 'delete', dst, 'dev', device]);
  for (const [mac, dst] of places)
    if (dst) await runCommand('bridge', ['fdb', 'delete', mac, 'dev', device, 'dst', dst]);
}
