// What `ip` knows of this namespace's devices and ways. /sys shows the devices of whoever mounted it, so it is not asked.
import { CommandFailure, runCommand } from '../run-command.ts';

/** @param namespace a named one; default: this one */
export async function hasLink(name: string, namespace?: string): Promise<boolean> {
  return (await linkOf(name, namespace)) !== undefined;
}

export interface Link {
  readonly mtu: number;
  /** Of its hardware. */
  readonly address: string;
}

/** Undefined where there is none of this name. */
export async function linkOf(name: string, namespace?: string): Promise<Link | undefined> {
  const where = namespace ? ['-n', namespace] : [];
  try {
    const [link] = JSON.parse(await runCommand('ip', [...where, '-j', 'link', 'show', 'dev', name])) as Link[];
    return link;
  } catch (error) {
    if (error instanceof CommandFailure && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

const usualMtu = 1500;

/** Of the device that has this address; the usual one where it is the loopback, or none. */
export async function mtuOfAddress(address: string): Promise<number> {
  const links = JSON.parse(await runCommand('ip', ['-j', 'address', 'show', 'to', `${address}/32`])) as Partial<
    Link & { flags: string[] }
  >[];
  const found = links.find(({ mtu, flags = [] }) => mtu !== undefined && !flags.includes('LOOPBACK'));
  return found?.mtu ?? usualMtu;
}

export interface Way {
  readonly device: string;
  /** The address that packets leave with. */
  readonly source: string;
  /** The router in between; absent where the address is on the same wire. */
  readonly gateway?: string;
}

/** How this machine reaches an address; undefined where it does not. */
export async function wayTo(address: string): Promise<Way | undefined> {
  try {
    const [route] = JSON.parse(await runCommand('ip', ['-j', 'route', 'get', address])) as {
      dev: string;
      prefsrc?: string;
      gateway?: string;
    }[];
    return (
      route && { device: route.dev, source: route.prefsrc ?? '', ...(route.gateway ? { gateway: route.gateway } : {}) }
    );
  } catch (error) {
    if (error instanceof CommandFailure && !error.isMissing) return undefined; // unreachable
    throw error;
  }
}
