// Addresses of load balancers on a node: single ones, where the bridge's own has a range behind it. For IPv4 the bridge is
// enough: the kernel answers ARP for it on every wire. For IPv6 it answers on the wire alone that has the address.
import { readFile, writeFile } from 'node:fs/promises';
import { familyOf } from '../addresses.ts';
import { runCommand } from '../run-command.ts';
import { tellNeighbours } from './tell-neighbours.ts';

export interface BoundAddresses {
  /** On the bridge: this node takes what comes there. */
  readonly taken: readonly string[];
  /** This node says to its neighbours that they are here. Each is taken too. */
  readonly announced: readonly string[];
}

/** Told when the neighbours of a wire could not be: they find out by themselves, in a minute. */
export type OnUntold = (device: string, address: string, error: unknown) => void;

interface Link {
  readonly ifname?: string;
  readonly master?: string;
  readonly flags?: readonly string[];
  readonly link_type?: string;
  readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number; readonly scope?: string }[];
}

/** Adds what is missing and takes away what is no longer wanted. @throws CommandFailure */
export async function bindAddresses(
  bridge: string,
  { taken, announced }: BoundAddresses,
  onUntold?: OnUntold,
): Promise<void> {
  const links = JSON.parse(await runCommand('ip', ['-j', 'address', 'show'])) as Link[];
  const bound = singlesOf(links.find(({ ifname }) => ifname === bridge));
  // Only what the bridge has is ours elsewhere: that goes first and comes last.
  const [announced4, announced6] = [announced.filter((each) => !isIPv6(each)), announced.filter(isIPv6)];
  for (const { ifname, ...link } of links) {
    if (!ifname || ifname === bridge) continue;
    const ours = singlesOf(link).filter((each) => isIPv6(each) && bound.includes(each));
    for (const address of ours) if (!announced6.includes(address)) await remove(address, ifname);
  }
  for (const address of bound) if (!taken.includes(address)) await remove(address, bridge);
  const added = taken.filter((each) => !bound.includes(each));
  for (const address of added) await add(address, bridge);
  for (const { ifname, ...link } of links) {
    if (!ifname || ifname === bridge || link.link_type !== 'ether' || !link.flags?.includes('UP')) continue;
    // What is part of a bridge is no wire of its own.
    const isTold = (address: string) => link.master === undefined && added.includes(address);
    for (const address of announced4.filter(isTold)) {
      await tellNeighbours(ifname, address).catch((error) => onUntold?.(ifname, address, error));
    }
    if (!isWireOfIPv6(link, [...bound, ...taken])) continue;
    const there = singlesOf(link);
    for (const address of announced6) if (!there.includes(address)) await announce(address, ifname);
  }
}

const isIPv6 = (address: string) => familyOf(address) === 'IPv6';

const singlesOf = (link: Link | undefined): string[] =>
  (link?.addr_info ?? [])
    .filter(({ local, prefixlen }) => prefixlen === (isIPv6(local) ? 128 : 32))
    .map(({ local }) => local);

/** Where somebody else than the kernel, or we, gave an address of IPv6. */
const isWireOfIPv6 = ({ master, addr_info = [] }: Link, ours: readonly string[]) =>
  !master && addr_info.some(({ local, scope }) => isIPv6(local) && scope === 'global' && !ours.includes(local));

/** Deprecated at once: what this node sends of its own leaves with another. */
async function add(address: string, device: string): Promise<void> {
  const args = isIPv6(address)
    ? ['-6', 'address', 'replace', `${address}/128`, 'dev', device, 'preferred_lft', '0', 'nodad']
    : ['address', 'add', `${address}/32`, 'dev', device];
  await runCommand('ip', args);
}

async function remove(address: string, device: string): Promise<void> {
  await runCommand('ip', ['address', 'delete', `${address}/${isIPv6(address) ? 128 : 32}`, 'dev', device]);
}

/** For a moment the kernel is to tell everybody of addresses that are new, and not to ask first whether another has them. */
const announcing = { ndisc_notify: '1', accept_dad: '0' };

/** Puts it on a wire and has the kernel tell all neighbours, who may know another node for it. */
async function announce(address: string, device: string): Promise<void> {
  await using stack = new AsyncDisposableStack();
  let tells = true;
  for (const [name, value] of Object.entries(announcing)) {
    const file = `/proc/sys/net/ipv6/conf/${device}/${name}`;
    try {
      const before = await readFile(file, 'utf8');
      await writeFile(file, value);
      stack.defer(() => writeFile(file, before).catch(() => {})); // the device may be gone by now
    } catch {
      tells = false;
    }
  }
  if (!tells) return add(address, device);
  await runCommand('ip', ['-6', 'address', 'replace', `${address}/128`, 'dev', device, 'preferred_lft', '0']);
  await settled(address, device);
}

/** The kernel does it a moment later. */
async function settled(address: string, device: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const text = await runCommand('ip', ['-6', '-o', 'address', 'show', 'dev', device, 'tentative']);
    if (!text.includes(` ${address}/128 `)) return;
  }
}
