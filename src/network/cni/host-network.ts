// The node's side of the pod network: bridge, route to the services, CNI configuration. Everything is found again after
// a restart, and all of it goes with removeHostNetwork.
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gatewayOf, parseRange } from '../addresses.ts';
import { runCommand } from '../run-command.ts';
import { bridgeMac, bridgeName } from './bridge-name.ts';
import { cniNetworkName, planConflist } from './conflist.ts';
import { allowForwarding, stopAllowingForwarding } from './forward-policy.ts';
import { applySysctls, restoreSysctls } from './sysctls.ts';

export interface HostNetworkOptions {
  readonly clusterName: string;
  /** This node's pod range. */
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** Where containerd looks for CNI configurations (its conf_dir). */
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
  /** The bridge's own address, which stays. */
  readonly bridgeMac: string;
}

/** May be repeated; pods that run are not disturbed. @throws CommandFailure where `ip` is missing or refuses. */
export async function ensureHostNetwork(options: HostNetworkOptions): Promise<HostNetwork> {
  const bridge = bridgeName(options.clusterName);
  const gateway = gatewayOf(options.podCidr);
  await applySysctls(options);
  await ensureBridge(bridge, options);
  // What the host itself sends to a service leaves with the bridge's address, so that pods can answer it directly.
  await runCommand('ip', ['route', 'replace', options.serviceCidr, 'dev', bridge, 'src', gateway]);
  await allowForwarding(bridge);
  await writeConflist(bridge, options);
  return { bridge, gateway, bridgeMac: bridgeMac(options.clusterName) };
}

async function ensureBridge(bridge: string, options: HostNetworkOptions): Promise<void> {
  const { prefixLength } = parseRange(options.podCidr);
  const address = `${gatewayOf(options.podCidr)}/${prefixLength}`;
  const links = await listLinks();
  if (!links.includes(bridge)) {
    const mac = bridgeMac(options.clusterName);
    await runCommand('ip', ['link', 'add', bridge, 'address', mac, 'type', 'bridge']);
  }
  if (options.mtu) await runCommand('ip', ['link', 'set', bridge, 'mtu', String(options.mtu)]);
  await runCommand('ip', ['address', 'replace', address, 'dev', bridge]);
  await runCommand('ip', ['link', 'set', bridge, 'up']);
}

async function writeConflist(bridge: string, options: HostNetworkOptions): Promise<void> {
  await mkdir(options.cniConfDir, { recursive: true });
  await mkdir(options.ipamDir, { recursive: true });
  const file = conflistFile(options);
  await writeFile(`${file}.partial`, `${JSON.stringify(planConflist({ ...options, bridge }), null, 2)}\n`);
  await rename(`${file}.partial`, file);
}

const conflistFile = ({ cniConfDir, clusterName }: Pick<HostNetworkOptions, 'cniConfDir' | 'clusterName'>) =>
  join(cniConfDir, `10-coracle-${clusterName}.conflist`);

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
  if (links.includes(bridge)) await runCommand('ip', ['link', 'delete', bridge]);
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
