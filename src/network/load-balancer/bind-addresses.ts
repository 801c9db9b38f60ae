// Addresses of load balancers on a bridge: single ones, where the bridge's own has a range behind it.
import { CommandFailure, runCommand } from '../run-command.ts';

interface Link {
  readonly ifname?: string;
  readonly flags?: readonly string[];
  readonly link_type?: string;
  readonly addr_info?: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[];
}

/** Adds what is missing and takes away what is no longer wanted. @throws CommandFailure */
export async function bindAddresses(bridge: string, wanted: readonly string[]): Promise<void> {
  const links = JSON.parse(await runCommand('ip', ['-j', '-4', 'address', 'show'])) as Link[];
  const bound = (links.find(({ ifname }) => ifname === bridge)?.addr_info ?? [])
    .filter(({ prefixlen }) => prefixlen === 32)
    .map(({ local }) => local);
  for (const address of bound.filter((each) => !wanted.includes(each)))
    await runCommand('ip', ['address', 'delete', `${address}/32`, 'dev', bridge]);
  const added = wanted.filter((each) => !bound.includes(each));
  for (const address of added) await runCommand('ip', ['address', 'add', `${address}/32`, 'dev', bridge]);
  for (const { ifname, link_type, flags = [] } of links) {
    if (!ifname || ifname === bridge || link_type !== 'ether' || !flags.includes('UP')) continue;
    for (const address of added) await tellNeighbours(ifname, address);
  }
}

/** Those who knew another node for the address learn of the change at once, where there is a tool for it; else in a minute. */
async function tellNeighbours(device: string, address: string): Promise<void> {
  try {
    await runCommand('arping', ['-q', '-U', '-c', '1', '-I', device, address], { timeoutMs: 2_000 });
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
  }
}
