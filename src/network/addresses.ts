// Addresses and ranges of both families. IPv4 addresses are compared as numbers: that is asked of every endpoint.
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { formatIp, parseCidr, parseIp } from '../api/meta/ip-address.ts';

export type IpFamily = 'IPv4' | 'IPv6';

export function familyOf(address: string): IpFamily | undefined {
  if (isIPv4(address)) return 'IPv4';
  return isIPv6(address) ? 'IPv6' : undefined;
}

export const familyOfRange = (cidr: string): IpFamily | undefined => familyOf(cidr.split('/')[0]!);

/** `10.96.0.0/16,fd00:96::/108` → its ranges, one of each family; the first is the usual one. */
export const rangesIn = (list: string): string[] =>
  list
    .split(',')
    .map((range) => range.trim())
    .filter(Boolean);

/** The range of that family in such a list. */
export const rangeOf = (list: string, family: IpFamily): string | undefined =>
  rangesIn(list).find((range) => familyOfRange(range) === family);

export interface Range {
  readonly family: IpFamily;
  readonly base: bigint;
  readonly prefixLength: number;
}

/** The few ranges of a cluster are asked about again and again. */
const parsed = new Map<string, Range>();
const mostParsed = 256;

/** `10.244.0.0/24` → its parts. @throws when it is no range */
export function parseRange(cidr: string): Range {
  const known = parsed.get(cidr);
  if (known) return known;
  if (parsed.size >= mostParsed) parsed.clear();
  const range = readRange(cidr);
  parsed.set(cidr, range);
  return range;
}

function readRange(cidr: string): Range {
  const range = familyOfRange(cidr) && standardRange(cidr);
  // IPv4 in IPv6 clothes would be a range of one family here, and of the other there.
  if (!range || range.family !== familyOfRange(cidr)) throw new Error(`"${cidr}" is not a range of addresses`);
  return range;
}

/** A range in any spelling that the API ever took, `::ffff:10.0.0.0/104` too; undefined for what is none. */
export function standardRange(cidr: string): (Range & { readonly text: string }) | undefined {
  const range = parseCidr(cidr);
  if (!range) return undefined;
  const { family, start, prefix } = range;
  const text = `${formatIp({ family, bits: start })}/${prefix}`;
  return { family: family === 4 ? 'IPv4' : 'IPv6', base: start, prefixLength: prefix, text };
}

/** The address that many places into the range: 1 is the gateway of a pod range, 10 the DNS of a service range. */
export function addressAt(cidr: string, offset: number): string {
  const { family, base, prefixLength } = parseRange(cidr);
  const size = 1n << BigInt((family === 'IPv4' ? 32 : 128) - prefixLength);
  if (BigInt(offset) >= size) throw new Error(`"${cidr}" has no address number ${offset}`);
  return formatIp({ family: family === 'IPv4' ? 4 : 6, bits: base + BigInt(offset) });
}

/** The first usable address of a node's pod range: the bridge itself, and what pods route by. */
export function gatewayOf(podCidr: string): string {
  return addressAt(podCidr, 1);
}

/** Whether the address is in the range; false for one of the other family. @throws when it is no range */
export function contains(cidr: string, address: string): boolean {
  if (isIPv4(address)) {
    const { family, base, prefixLength } = parseRange(cidr);
    const size = 2 ** (32 - prefixLength);
    return family === 'IPv4' && Math.floor(toNumber(address) / size) === Math.floor(Number(base) / size);
  }
  const { family, base, prefixLength } = parseRange(cidr);
  const ip = parseIp(address);
  if (family !== 'IPv6' || ip?.family !== 6) return false;
  const rest = BigInt(128 - prefixLength);
  return ip.bits >> rest === base >> rest;
}

const neverAnEndpoint = new BlockList();
neverAnEndpoint.addSubnet('0.0.0.0', 8);
neverAnEndpoint.addSubnet('127.0.0.0', 8);
neverAnEndpoint.addSubnet('169.254.0.0', 16);
neverAnEndpoint.addSubnet('224.0.0.0', 4);
neverAnEndpoint.addAddress('255.255.255.255');
neverAnEndpoint.addAddress('::', 'ipv6');
neverAnEndpoint.addAddress('::1', 'ipv6');
neverAnEndpoint.addSubnet('fe80::', 10, 'ipv6');
neverAnEndpoint.addSubnet('ff00::', 8, 'ipv6');

/** False for loopback, link-local, multicast and unspecified addresses: traffic must never be led there. */
export function isRoutable(address: string): boolean {
  const family = familyOf(address);
  // IPv4 addresses in IPv6 clothes have no use here but to hide.
  if (/^(0{0,4}:){1,5}ffff:/i.test(address)) return false;
  return family !== undefined && !neverAnEndpoint.check(address, family === 'IPv4' ? 'ipv4' : 'ipv6');
}

function toNumber(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}
