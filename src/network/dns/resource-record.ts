// The few record types the cluster's zone has, and names that stand for addresses.
import { familyOf } from '../addresses.ts';

export interface SrvData {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export interface SoaData {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

export type ResourceRecord = { readonly name: string; readonly ttl: number } & (
  | { readonly type: 'A' | 'AAAA' | 'CNAME' | 'PTR' | 'NS' | 'TXT'; readonly data: string }
  | { readonly type: 'SRV'; readonly data: SrvData }
  | { readonly type: 'SOA'; readonly data: SoaData }
);

/** `5.0.244.10.in-addr.arpa` → `10.244.0.5`; the same for IPv6; undefined for what is no address. */
export function fromReverseName(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const address = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.');
    return familyOf(address) === 'IPv4' ? address : undefined;
  }
  if (!name.endsWith('.ip6.arpa')) return undefined;
  const digits = name.slice(0, -'.ip6.arpa'.length).split('.').reverse();
  if (digits.length !== 32 || digits.some((digit) => !/^[0-9a-f]$/.test(digit))) return undefined;
  const groups = digits.join('').match(/.{4}/g)!;
  return compress(groups.map((group) => group.replace(/^0{1,3}/, '')));
}

/** The longest run of zeros becomes `::`, as addresses are written. */
function compress(groups: readonly string[]): string {
  const runs = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)];
  const longest = runs.sort((a, b) => b[0].length - a[0].length)[0];
  const text = groups.join(':');
  if (!longest) return text;
  const before = text.slice(0, longest.index);
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

/** The label of an endpoint without a hostname: its address with dashes, and none of them at the end. */
export function toReverseLabel(address: string): string {
  return address.replaceAll(/[.:]/g, '-').replace(/-$/, '-0');
}
