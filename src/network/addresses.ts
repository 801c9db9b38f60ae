// Addresses and ranges, as text and as numbers. IPv6 addresses are taken apart only where that is needed.
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export type IpFamily = 'IPv4' | 'IPv6';

export function familyOf(address: string): IpFamily | undefined {
  if (isIPv4(address)) return 'IPv4';
  return isIPv6(address) ? 'IPv6' : undefined;
}

/** `10.244.0.0/24` → its parts. @throws when it is no IPv4 range. */
export function parseRange(cidr: string): { readonly base: number; readonly prefixLength: number } {
  const [address, length, ...more] = cidr.split('/');
  const prefixLength = Number(length);
  if (!address || !isIPv4(address) || !/^\d{1,2}$/.test(length ?? '') || prefixLength > 32 || more.length > 0) {
    throw new Error(`"${cidr}" is not an IPv4 range`);
  }
  const size = 2 ** (32 - prefixLength);
  return { base: Math.floor(toNumber(address) / size) * size, prefixLength };
}

/** Whether it is an IPv4 range. */
export function isRange(cidr: string): boolean {
  try {
    parseRange(cidr);
    return true;
  } catch {
    return false;
  }
}

/** The address that many places into the range: 1 is the gateway of a pod range, 10 the DNS of a service range. */
export function addressAt(cidr: string, offset: number): string {
  const { base, prefixLength } = parseRange(cidr);
  if (offset >= 2 ** (32 - prefixLength)) throw new Error(`"${cidr}" has no address number ${offset}`);
  return toText(base + offset);
}

/** The first usable address of a node's pod range: the bridge itself, and what pods route by. */
export function gatewayOf(podCidr: string): string {
  return addressAt(podCidr, 1);
}

export function contains(cidr: string, address: string): boolean {
  if (!isIPv4(address)) return false;
  const { base, prefixLength } = parseRange(cidr);
  const number = toNumber(address);
  return number >= base && number < base + 2 ** (32 - prefixLength);
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

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
