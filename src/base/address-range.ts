// Ranges of IPv4 addresses, as people write them.
import { isIPv4 } from 'node:net';

/** Both ends belong to it. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** `192.0.2.0/24`, without the network's and the broadcast address, or `192.0.2.10-192.0.2.20`. @throws Error for what is neither */
export function parseAddressRange(text: string): AddressRange {
  const [from, to, ...more] = text.split('-').map((part) => part.trim());
  if (to === undefined) return parsePrefix(text.trim());
  const range = { first: numberOf(from!), last: numberOf(to) };
  if (more.length > 0 || !(range.first <= range.last)) throw notARange(text);
  return range;
}

function parsePrefix(text: string): AddressRange {
  const [address, length, ...more] = text.split('/');
  const bits = Number(length ?? '32');
  const base = numberOf(address!);
  if (more.length > 0 || !/^\d{1,2}$/.test(length ?? '32') || bits > 32 || Number.isNaN(base)) throw notARange(text);
  const size = 2 ** (32 - bits);
  const first = Math.floor(base / size) * size;
  const edge = size > 2 ? 1 : 0;
  return { first: first + edge, last: first + size - 1 - edge };
}

export function holdsAddress({ first, last }: AddressRange, address: string): boolean {
  const number = numberOf(address);
  return number >= first && number <= last;
}

export function* addressesIn({ first, last }: AddressRange): Iterable<string> {
  for (let number = first; number <= last; number++)
    yield [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** NaN for what is no address. */
function numberOf(address: string): number {
  return isIPv4(address) ? address.split('.').reduce((number, part) => number * 256 + Number(part), 0) : Number.NaN;
}

const notARange = (text: string) =>
  new Error(`"${text}" is not a range of IPv4 addresses: 192.0.2.0/24, or 192.0.2.10-192.0.2.20`);
