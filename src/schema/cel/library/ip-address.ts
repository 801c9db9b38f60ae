// Addresses as numbers, in Go's reading and printing.

export interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly zone: string;
}

/** Why it is no address. */
export class AddressProblem extends Error {}

const fail = (message: string): never => {
  throw new AddressProblem(message);
};

function v4(text: string): bigint {
  const parts = text.split('.');
  let bits = 0n;
  for (const part of parts) {
    if (part === '') fail('IPv4 field must have at least one digit');
    if (!/^\d+$/.test(part)) fail('unexpected character');
    if (part.length > 1 && part.startsWith('0')) fail('IPv4 field has octet with leading zero');
    if (part.length > 3 || Number(part) > 255) fail('IPv4 field has value >255');
    bits = (bits << 8n) | BigInt(part);
  }
  if (parts.length < 4) fail('IPv4 address too short');
  if (parts.length > 4) fail('IPv4 address too long');
  return bits;
}

function groupsOf(text: string): bigint[] {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const bits = v4(part);
      groups.push(bits >> 16n, bits & 0xffffn);
    } else {
      if (part === '') fail('colon must be followed by more characters');
      if (!/^[0-9a-fA-F]+$/.test(part)) fail('unexpected character');
      if (part.length > 4) fail('each group must have 4 or fewer digits');
      groups.push(BigInt(`0x${part}`));
    }
  }
  return groups;
}

function v6(text: string): bigint {
  const halves = text.split('::');
  if (halves.length > 2) fail('multiple :: in address');
  const [front, back] = halves.map(groupsOf) as [bigint[], bigint[] | undefined];
  const count = front.length + (back?.length ?? 0);
  if (back ? count > 7 : count > 8)
    fail(back ? 'the :: must expand to at least one field of zeros' : 'trailing garbage after address');
  if (!back && count < 8) fail('address string too short');
  const all = back ? [...front, ...new Array<bigint>(8 - count).fill(0n), ...back] : front;
  return all.reduce((bits, group) => (bits << 16n) | group, 0n);
}

/** @throws AddressProblem, with Go's words */
export function parseAddress(text: string): Address {
  try {
    const percent = text.indexOf('%');
    const bare = percent < 0 ? text : text.slice(0, percent);
    const first = /[.:%]/.exec(text)?.[0];
    if (text.length > 1000 || (first !== '.' && first !== ':')) {
      fail(first === '%' ? 'missing IPv6 address' : 'unable to parse IP');
    }
    if (first === '.') return { family: 4, bits: v4(text), zone: '' };
    if (percent >= 0 && percent === text.length - 1) fail('zone must be a non-empty string');
    return { family: 6, bits: v6(bare), zone: percent < 0 ? '' : text.slice(percent + 1) };
  } catch (error) {
    if (error instanceof AddressProblem)
      throw new AddressProblem(`ParseAddr(${JSON.stringify(text)}): ${error.message}`);
    throw error;
  }
}

export const isMapped = ({ family, bits }: Address): boolean => family === 6 && bits >> 32n === 0xffffn;

function v6Text(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => Number((bits >> BigInt(112 - index * 16)) & 0xffffn));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

export function formatAddress(address: Address): string {
  const { family, bits } = address;
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
  if (isMapped(address)) return `::ffff:${formatAddress({ family: 4, bits: bits & 0xffffffffn, zone: '' })}`;
  return v6Text(bits);
}

export const widthOf = ({ family }: Address): number => (family === 4 ? 32 : 128);

/** All but the first bits taken out. */
export function maskedTo(address: Address, length: number): Address {
  const shift = BigInt(widthOf(address) - length);
  return { ...address, bits: (address.bits >> shift) << shift };
}
