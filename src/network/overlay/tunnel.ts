// The VXLAN device: packets between pods, wrapped in UDP between nodes. It learns nothing by itself; route-table.ts tells
// it which node is where.
import { addressAt, rangeOf } from '../addresses.ts';
import { runCommand } from '../run-command.ts';
import { hasLink, linkOf } from './links.ts';
import { tunnelMac } from './names.ts';

export interface TunnelOptions {
  readonly device: string;
  readonly nodeName: string;
  readonly address: string;
  readonly podCidr: string;
  readonly tunnelId: number;
  /** The device it sends through. */
  readonly underlay: string;
}

/** The number that the internet's registry gives for VXLAN. */
const port = 4789;
/** Outer Ethernet, IPv4, UDP and VXLAN headers. */
const tunnelOverhead = 50;

/** Gives the size of the largest packet it carries. May be repeated. @throws CommandFailure */
export async function ensureTunnel(options: TunnelOptions): Promise<number> {
  const { device, nodeName, address, podCidr, tunnelId, underlay } = options;
  const mac = tunnelMac(tunnelId, nodeName);
  const mtu = ((await linkOf(underlay))?.mtu ?? 1500) - tunnelOverhead;
  if ((await describe(device)) !== description(options)) {
    await removeTunnel(device);
    const kind = ['vxlan', 'id', String(tunnelId), 'local', address, 'dstport', String(port), 'nolearning'];
    await runCommand('ip', ['link', 'add', device, 'address', mac, 'type', ...kind]);
  }
  await runCommand('ip', ['link', 'set', device, 'mtu', String(mtu), 'up']);
  await runCommand('ip', ['address', 'replace', `${addressAt(rangeOf(podCidr, 'IPv4')!, 0)}/32`, 'dev', device]);
  return mtu;
}

export async function removeTunnel(device: string): Promise<void> {
  if (await hasLink(device)) await runCommand('ip', ['link', 'delete', device]);
}

const description = ({ address, tunnelId }: TunnelOptions) => `${tunnelId} ${address} ${port}`;

async function describe(device: string): Promise<string | undefined> {
  if (!(await hasLink(device))) return undefined;
  const [link] = JSON.parse(await runCommand('ip', ['-j', '-d', 'link', 'show', 'dev', device])) as {
    linkinfo?: { info_data?: { id?: number; local?: string; port?: number } };
  }[];
  const { id, local, port: known } = link?.linkinfo?.info_data ?? {};
  return `${id} ${local} ${known}`;
}
