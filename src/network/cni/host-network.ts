// The node's side of the pod network: bridge, route to the services, CNI configuration. Everything is found again after
// a restart, and all of it goes with removeHostNetwork.
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { familyOfRange, gatewayOf, parseRange, rangesIn } from '../addresses.ts';
import { bindAddresses } from '../load-balancer/bind-addresses.ts';
import { runCommand } from '../run-command.ts';
import { bridgeMac, bridgeName } from './bridge-name.ts';
import { cniNetworkName, planConflist } from './conflist.ts';
import { allowForwarding, stopAllowingForwarding } from './forward-policy.ts';
import { applySysctls, restoreSysctls } from './sysctls.ts';

export interface HostNetworkOptions {
  readonly clusterName: string;
  /** This node's pod ranges: one, or one of each family with a comma between; the cluster's Services alike. */
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** Where the runtime looks for CNI configurations (containerd's conf_dir, CRI-O's network_dir). */
  readonly cniConfDir: string;
  /** A folder of ours for the addresses given out. */
  readonly ipamDir: string;
  /** Default: the bridge's own, 1500. */
  readonly mtu?: number;
  /** Where changed sysctls are noted; default /run/coracle/network. */
  readonly recordDir?: string;
}

export interface HostNetwork {
  readonly bridge: string;
  /** The node's address in the pod network: what pods route by, what DNS listens on. */
  readonly gateway: string;
  /** Of each family that pods have, the usual one first. */
  readonly gateways: readonly string[];
  /** The bridge's own address, which stays. */
  readonly bridgeMac: string;
}

/** May be repeated; pods that run are not disturbed. @throws CommandFailure where `ip` is missing or refuses. */
export async function ensureHostNetwork(options: HostNetworkOptions): Promise<HostNetwork> {
  const bridge = bridgeName(options.clusterName);
  const gateways = rangesIn(options.podCidr).map(gatewayOf);
  const usesIPv6 = gateways.some((address) => address.includes(':'));
  await mkdir(options.ipamDir, { recursive: true });
  await applySysctls({
    ...options,
    owner: options.ipamDir,
    usesIPv6,
    learning: usesIPv6 ? await learningDevices() : [],
  });
  await ensureBridge(bridge, options);
  for (const cidr of rangesIn(options.serviceCidr)) await routeServices(cidr, bridge, options.podCidr);
  await allowForwarding(bridge, usesIPv6);
  await writeConflist(bridge, options);
  return { bridge, gateway: gateways[0]!, gateways, bridgeMac: bridgeMac(options.clusterName) };
}

/** What the host itself sends to a service leaves with the bridge's address, so that pods can answer it directly. */
async function routeServices(serviceCidr: string, bridge: string, podCidr: string): Promise<void> {
  const family = familyOfRange(serviceCidr);
  const own = rangesIn(podCidr).find((range) => familyOfRange(range) === family);
  if (!own) return; // no pod has an address that it could lead to
  await runCommand('ip', [
    ...versionOf(serviceCidr),
    'route',
    'replace',
    serviceCidr,
    'dev',
    bridge,
    'src',
    gatewayOf(own),
  ]);
}

const versionOf = (cidr: string) => (familyOfRange(cidr) === 'IPv6' ? ['-6'] : []);

async function ensureBridge(bridge: string, options: HostNetworkOptions): Promise<void> {
  const links = await listLinks();
  if (!links.includes(bridge)) {
    const mac = bridgeMac(options.clusterName);
    await runCommand('ip', ['link', 'add', bridge, 'address', mac, 'type', 'bridge']);
  }
  if (options.mtu) await runCommand('ip', ['link', 'set', bridge, 'mtu', String(options.mtu)]);
  for (const cidr of rangesIn(options.podCidr)) {
    const address = `${gatewayOf(cidr)}/${parseRange(cidr).prefixLength}`;
    // Nobody else has it: waiting for an answer to that question would only keep the first pods waiting.
    const flags = familyOfRange(cidr) === 'IPv6' ? ['nodad'] : [];
    await runCommand('ip', [...versionOf(cidr), 'address', 'replace', address, 'dev', bridge, ...flags]);
  }
  await runCommand('ip', ['link', 'set', bridge, 'up']);
}

async function writeConflist(bridge: string, options: HostNetworkOptions): Promise<void> {
  await mkdir(options.cniConfDir, { recursive: true });
  const file = conflistFile(options);
  await writeFile(`${file}.partial`, `${JSON.stringify(planConflist({ ...options, bridge }), null, 2)}\n`);
  await rename(`${file}.partial`, file);
}

/** Of the file in the runtime's folder. */
export const conflistName = (clusterName: string): string => `10-coracle-${clusterName}.conflist`;

const conflistFile = ({ cniConfDir, clusterName }: Pick<HostNetworkOptions, 'cniConfDir' | 'clusterName'>) =>
  join(cniConfDir, conflistName(clusterName));

/** Those that a router told of its routes. */
async function learningDevices(): Promise<string[]> {
  const routes = JSON.parse((await runCommand('ip', ['-6', '-j', 'route', 'show', 'proto', 'ra'])) || '[]') as {
    dev?: string;
    nexthops?: { dev?: string }[];
  }[];
  return [...new Set(routes.flatMap(({ dev, nexthops = [] }) => [dev, ...nexthops.map((each) => each.dev)]))].flatMap(
    (device) => device ?? [],
  );
}

async function listLinks(): Promise<string[]> {
  const links = JSON.parse(await runCommand('ip', ['-j', 'link', 'show'])) as { ifname?: string }[];
  return links.flatMap((link) => link.ifname ?? []);
}

export type HostNetworkRemoval = Pick<HostNetworkOptions, 'clusterName' | 'cniConfDir' | 'ipamDir' | 'recordDir'>;

/** Takes away all that ensureHostNetwork and CNI left, once the pods are gone. May be repeated. */
export async function removeHostNetwork(options: HostNetworkRemoval): Promise<void> {
  const bridge = bridgeName(options.clusterName);
  await stopAllowingForwarding(bridge);
  const links = await listLinks();
  if (links.includes(bridge)) {
    await bindAddresses(bridge, { taken: [], announced: [] });
    await runCommand('ip', ['link', 'delete', bridge]);
  }
  await rm(conflistFile(options), { force: true });
  await rm(options.ipamDir, { recursive: true, force: true });
  await removeCniResults(options.clusterName);
  await restoreSysctls(options);
}

/** CNI's library keeps the last result of each sandbox; those of sandboxes that ended badly stay behind. */
async function removeCniResults(clusterName: string): Promise<void> {
  const folder = '/var/lib/cni/results';
  const ours = new RegExp(`^${cniNetworkName(clusterName)}-[0-9a-f]{64}-`); // not those of NAME-more
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (ours.test(name)) await rm(join(folder, name), { force: true });
  await rmdir(folder).catch(() => {}); // other clusters' results are there
  await rmdir(dirname(folder)).catch(() => {});
}
