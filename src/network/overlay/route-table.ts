// Makes the kernel's routes, neighbours and tunnel ends equal to a plan; what is right already is left alone.
import { familyOfRange, rangesIn } from '../addresses.ts';
import { runCommand } from '../run-command.ts';
import { hasLink } from './links.ts';
import type { PodRoute } from './plan-routes.ts';

/** Marks routes as ours. */
const protocol = '110';

export interface RouteTableOptions {
  /** The pods' range, or one of each family with a comma between. */
  readonly clusterPodCidr: string;
  readonly tunnelDevice: string;
  /** What this node itself sends to pods of IPv6 leaves with this address. */
  readonly sourceOf6?: string | undefined;
  /** Packets for pods that no route leads to are refused here; else they go where the machine sends what it does not know. */
  readonly refusesOthers?: boolean;
}

interface KernelRoute {
  /** Absent: it leads to somebody. */
  readonly type?: string;
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
}

/** May be repeated. @throws CommandFailure */
export async function applyRoutes(routes: readonly PodRoute[], options: RouteTableOptions): Promise<void> {
  if (await hasLink(options.tunnelDevice)) await applyTunnelEnds(routes, options.tunnelDevice);
  for (const cluster of rangesIn(options.clusterPodCidr)) {
    const family = familyOfRange(cluster);
    await applyFamily(
      routes.filter(({ podCidr }) => familyOfRange(podCidr) === family),
      cluster,
      {
        ...(family === 'IPv6' ? { version: ['-6'], source: options.sourceOf6 } : { version: [] }),
        refusesOthers: options.refusesOthers === true,
      },
    );
  }
}

/** Behind every other route: a node's own range may be all there is. */
const lastMetric = '9999';

interface FamilyOptions {
  readonly version: readonly string[];
  readonly source?: string | undefined;
  readonly refusesOthers: boolean;
}

async function applyFamily(
  routes: readonly PodRoute[],
  cluster: string,
  { version, source, refusesOthers }: FamilyOptions,
): Promise<void> {
  const ip = (...args: readonly string[]) => runCommand('ip', [...version, ...args]);
  const listed = await ip('-j', 'route', 'show', 'root', cluster, 'proto', protocol);
  const all = JSON.parse(listed || '[]') as KernelRoute[];
  const isRefusal = ({ type }: KernelRoute) => type === 'unreachable';
  // First, so that nothing gets out in between.
  if (refusesOthers && !all.some(isRefusal)) await refuse(cluster);
  const known = new Map(all.filter((each) => !isRefusal(each)).map((each) => [each.dst, each]));
  for (const { podCidr, via, device, tunnel } of routes) {
    const now = known.get(podCidr);
    known.delete(podCidr);
    if (now && now.gateway === via && now.dev === device) continue;
    // The tunnel's far end is no neighbour by its address: the kernel must be told to believe it.
    const further = [...(tunnel ? ['onlink'] : []), ...(source ? ['src', source] : [])];
    const hop = via ? ['via', via] : [];
    await ip('route', 'replace', podCidr, ...hop, 'dev', device, ...further, 'proto', protocol);
  }
  for (const dst of known.keys()) await ip('route', 'delete', dst, 'proto', protocol);
  if (!refusesOthers && all.some(isRefusal)) await ip('route', 'delete', ...refusalOf(cluster));
}

const refusalOf = (cluster: string) => ['unreachable', cluster, 'metric', lastMetric, 'proto', protocol];

async function refuse(cluster: string): Promise<void> {
  const version = familyOfRange(cluster) === 'IPv6' ? ['-6'] : [];
  await runCommand('ip', [...version, 'route', 'replace', ...refusalOf(cluster)]);
}

/**
 * Before the first pod: what no route leads to yet does not go where the machine sends what it does not know. Routes that are
 * there stay. May be repeated. @throws CommandFailure
 */
export async function refuseUnknownPods(clusterPodCidr: string): Promise<void> {
  for (const cluster of rangesIn(clusterPodCidr)) await refuse(cluster);
}

/** Has this node answer on a wire to the address that routes of IPv6 name. May be repeated. @throws CommandFailure */
export async function ensureLinkLocal(address: string, device: string): Promise<void> {
  await runCommand('ip', ['-6', 'address', 'replace', `${address}/64`, 'dev', device, 'nodad']);
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
  const ends = new Map(routes.flatMap(({ via, tunnel }) => (via && tunnel ? [[via, tunnel] as const] : [])));
  const neighbours = JSON.parse(
    (await runCommand('ip', ['-j', 'neigh', 'show', 'dev', device, 'nud', 'permanent'])) || '[]',
  ) as Neighbour[];
  const macs = new Map(neighbours.map(({ dst, lladdr }) => [dst, lladdr]));
  const entries = JSON.parse(
    (await runCommand('bridge', ['-j', 'fdb', 'show', 'dev', device])) || '[]',
  ) as ForwardingEntry[];
  const places = new Map(entries.map(({ mac, dst }) => [mac, dst]));
  for (const [via, { mac, address }] of ends) {
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
