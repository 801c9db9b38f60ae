// IP addresses and ranges of them, read as upstream does: leading zeros pass where old objects may have them.
import type { FieldErrors, FieldPath } from './field-errors.ts';

export interface IpAddress {
  readonly family: 4 | 6;
  readonly bits: bigint;
  /** Written as `::ffff:1.2.3.4`. */
  readonly isMapped: boolean;
}

/** A range of IPv4 may be written in IPv6 clothes: `::ffff:10.0.0.0/104` is 10.0.0.0/8. */
export interface IpRange {
  readonly family: 4 | 6;
  /** First address; bits beyond the prefix are zero. */
  readonly start: bigint;
  readonly prefix: number;
  readonly address: bigint;
  /** The prefix that was given, and how many bits there are of it. */
  readonly written: { readonly prefix: number; readonly size: 32 | 128 };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^[0-9]+$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((bits, part) => bits * 256n + BigInt(Number(part)), 0n);
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      groups.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
    } else if (/^0*[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else return undefined;
  }
  return groups;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(halves.length === 2 ? missing : 0).fill(0), ...(tail ?? [])];
  return groups.reduce((bits, group) => bits * 65536n + BigInt(group), 0n);
}

const mapped = 0xffffn;

export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(':')) {
    const bits = parseV4(text);
    return bits === undefined ? undefined : { family: 4, bits, isMapped: false };
  }
  const bits = parseV6(text);
  if (bits === undefined) return undefined;
  return bits >> 32n === mapped
    ? { family: 4, bits: bits & 0xffffffffn, isMapped: true }
    : { family: 6, bits, isMapped: false };
}

/** Of the family that its first address has: a range wide enough to hold more than IPv4's addresses is one of IPv6. */
export function parseCidr(text: string): IpRange | undefined {
  const [ip, length, more] = text.split('/');
  if (length === undefined || more !== undefined || !/^[0-9]+$/.test(length)) return undefined;
  const size = ip!.includes(':') ? 128 : 32;
  const address = size === 128 ? parseV6(ip!) : parseV4(ip!);
  const prefix = Number(length);
  if (address === undefined || prefix > size) return undefined;
  const rest = BigInt(size - prefix);
  const start = (address >> rest) << rest;
  const written = { prefix, size } as const;
  if (size === 32 || start >> 32n !== mapped) return { family: size === 32 ? 4 : 6, start, prefix, address, written };
  const low = 0xffffffffn;
  return { family: 4, start: start & low, prefix: prefix - 96, address: address & low, written };
}

/** Whether `inner` lies in `outer` and is smaller. */
export function isStrictSubset(inner: IpRange, outer: IpRange): boolean {
  // As written: clothes of IPv6 make it smaller than anything without.
  if (inner.family !== outer.family || inner.written.prefix <= outer.written.prefix) return false;
  const rest = BigInt((outer.family === 4 ? 32 : 128) - outer.prefix);
  return inner.start >> rest === outer.start >> rest;
}

/** The form of RFC 5952: the longest run of zero groups as `::`. */
export function formatIp({ family, bits }: Pick<IpAddress, 'family' | 'bits'>): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  const runs = [...groups.join(':').matchAll(/\b0(:0)+\b/g)].map((match) => match[0]);
  const longest = runs.sort((a, b) => b.length - a.length)[0];
  if (!longest) return groups.join(':');
  const text = groups.join(':');
  const at = text.search(new RegExp(`(^|:)${longest}(:|$)`));
  const start = text[at] === ':' ? at + 1 : at;
  return `${text.slice(0, start).replace(/:$/, '')}::${text.slice(start + longest.length).replace(/^:/, '')}`;
}

/** Of IPv4 some programs read them as octal; IPv6 has at most four digits a group. */
const hasLeadingZero = (text: string): boolean => {
  const last = text.slice(text.lastIndexOf(':') + 1);
  if (last.includes('.') && last.split('.').some((part) => /^0[0-9]/.test(part))) return true;
  return text.split(':').some((group) => !group.includes('.') && group.length > 4);
};

const noIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const noCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** @param kept what the object had before: that may stay, however it is spelled */
export function validateIp(text: string, at: FieldPath, errors: FieldErrors, kept: readonly string[] = []): void {
  const problem = kept.includes(text) ? undefined : ipProblem(text);
  if (problem) errors.invalid(at, text, problem);
}

/** @param kept what the object had before: that may stay, however it is spelled */
export function validateCidr(text: string, at: FieldPath, errors: FieldErrors, kept: readonly string[] = []): void {
  const problem = kept.includes(text) ? undefined : cidrProblem(text);
  if (problem) errors.invalid(at, text, problem);
}

/** Why others may read another address, or none. */
function ipProblem(text: string): string | undefined {
  const ip = parseIp(text);
  if (!ip) return noIp;
  if (hasLeadingZero(text)) return 'must not have leading 0s';
  return ip.isMapped ? 'must not be an IPv4-mapped IPv6 address' : undefined;
}

function cidrProblem(text: string): string | undefined {
  const range = parseCidr(text);
  if (!range) return noCidr;
  const [address, length] = text.split('/');
  if (hasLeadingZero(address!) || /^0[0-9]/.test(length!)) return 'must not have leading 0s in IP or prefix length';
  if (parseIp(address!)!.isMapped) return 'must not have an IPv4-mapped IPv6 address';
  return range.start === range.address ? undefined : 'must not have bits set beyond the prefix length';
}

/** What is unwise about a spelling that is understood. */
export function ipWarnings(text: string, at: FieldPath): string[] {
  const ip = parseIp(text);
  if (!ip) return [];
  const standard = formatIp(ip);
  if (hasLeadingZero(text) || ip.isMapped) {
    return [`${at}: non-standard IP address "${text}" is invalid: use "${standard}"`];
  }
  if (standard === text) return [];
  return [`${at}: IPv6 address "${text}" should be in RFC 5952 canonical format ("${standard}")`];
}

export function cidrWarnings(text: string, at: FieldPath): string[] {
  const range = parseCidr(text);
  if (!range) return [];
  const [address = '', length = ''] = text.split('/');
  const { family, start, prefix, written } = range;
  const standard = `${formatIp({ family, bits: start })}/${prefix}`;
  const warnings: string[] = [];
  if (start !== range.address) {
    const single = `${formatIp(parseIp(address)!)}/${written.size}`;
    warnings.push(`${at}: CIDR value "${text}" is ambiguous in this context (should be "${standard}" or "${single}"?)`);
  }
  if (hasLeadingZero(address) || /^0[0-9]/.test(length) || parseIp(address)!.isMapped) {
    warnings.push(`${at}: non-standard CIDR value "${text}" is invalid: use "${standard}"`);
  }
  if (warnings.length > 0 || family === 4 || standard === text) return warnings;
  return [`${at}: IPv6 CIDR value "${text}" should be in RFC 5952 canonical format ("${standard}")`];
}

/** Why an address is not one in the one canonical spelling. */
export function canonicalIpProblems(text: string): string[] {
  const problem = ipProblem(text);
  if (problem) return [problem];
  const canonical = formatIp(parseIp(text)!);
  return canonical === text ? [] : [`must be in canonical form ("${canonical}")`];
}

/** Why a text is not an address with its prefix, as interfaces have it: `10.9.8.7/24`. */
export function interfaceAddressProblems(text: string): string[] {
  const range = parseCidr(text);
  if (!range) return ['must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'];
  const ip = parseIp(text.split('/')[0]!)!;
  const { prefix } = range.written;
  const canonical = `${formatIp(ip)}/${ip.family === 4 && prefix > 32 ? prefix - 96 : prefix}`;
  return canonical === text ? [] : [`must be in canonical form ("${canonical}")`];
}

/** Why a range is not one in the strict spelling: no leading zeros, nothing beyond the prefix. */
export function strictCidrProblems(text: string): string[] {
  const problem = cidrProblem(text);
  if (problem) return [problem];
  const range = parseCidr(text)!;
  const canonical = `${formatIp({ family: range.family, bits: range.start })}/${range.prefix}`;
  return canonical === text ? [] : [`must be in canonical form ("${canonical}")`];
}

const specialRanges: readonly (readonly [string, string])[] = [
  ['127.0.0.0/8 ::1/128', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ['169.254.0.0/16 fe80::/10', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  ['224.0.0.0/24 ff02::/16', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
];

/** Addresses that cannot be an endpoint of anything. */
export function validateEndpointIp(text: string, at: FieldPath, errors: FieldErrors): void {
  const ip = parseIp(text);
  if (!ip) {
    errors.invalid(at, text, 'must be a valid IP address');
    return;
  }
  if (ip.bits === 0n) errors.invalid(at, text, `may not be unspecified (${text})`);
  for (const [ranges, problem] of specialRanges) {
    const range = parseCidr(ranges.split(' ')[ip.family === 4 ? 0 : 1]!)!;
    const rest = BigInt((ip.family === 4 ? 32 : 128) - range.prefix);
    if (ip.bits >> rest === range.start >> rest) errors.invalid(at, text, problem);
  }
}
