// Ranges of addresses, of either family, as people write them.
import { formatIp, type IpAddress, parseIp } from './ip-address.ts';

export interface AddressRange {
  readonly family: IpAddress['family'];
  /** Both ends belong to it. */
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * `192.0.2.0/24`, without the network's and the broadcast address; `2001:db8::/120`, without the routers' own;
 * or from one address to another, `192.0.2.10-192.0.2.20`. @throws Error for what is none of these
 */
export function parseAddressRange(text: string): AddressRange {
  const [from, to, ...more] = text.split('-').map((part) => part.trim());
  if (to === undefined) return parsePrefix(text.trim());
  const [first, last] = [plainIp(from!), plainIp(to)];
  if (more.length > 0 || !first || !last || first.family !== last.family || first.bits > last.bits)
    throw notARange(text);
  return { family: first.family, first: first.bits, last: last.bits };
}

/** Ranges with commas between. @throws Error for what is none */
export const parseAddressRanges = (text: string): AddressRange[] => text.split(',').map(parseAddressRange);

function parsePrefix(text: string): AddressRange {
  const [address, length, ...more] = text.split('/');
  const base = plainIp(address!);
  const width = base?.family === 6 ? 128 : 32;
  const bits = Number(length ?? width);
  if (!base || more.length > 0 || !/^\d{1,3}$/.test(length ?? '0') || bits > width) throw notARange(text);
  const rest = BigInt(width - bits);
  const start = (base.bits >> rest) << rest;
  const end = start + (1n << rest) - 1n;
  const hasEdges = rest > 1n;
  const { family } = base;
  return { family, first: hasEdges ? start + 1n : start, last: hasEdges && family === 4 ? end - 1n : end };
}

/** Addresses of IPv4 in the clothes of IPv6 are none here. */
function plainIp(text: string): IpAddress | undefined {
  const ip = parseIp(text);
  return ip?.isMapped ? undefined : ip;
}

export function holdsAddress({ family, first, last }: AddressRange, address: string): boolean {
  const ip = plainIp(address);
  return ip?.family === family && ip.bits >= first && ip.bits <= last;
}

export const sizeOf = ({ first, last }: AddressRange): number => Number(last - first) + 1;

/** The address that many places into the range. */
export const addressIn = ({ family, first }: AddressRange, place: number): string =>
  formatIp({ family, bits: first + BigInt(place) });

export function* addressesIn({ family, first, last }: AddressRange): Iterable<string> {
  for (let bits = first; bits <= last; bits++) yield formatIp({ family, bits });
}

const notARange = (text: string) =>
  new Error(`"${text}" is not a range of addresses: 192.0.2.0/24, 192.0.2.10-192.0.2.20, or the same of IPv6`);
