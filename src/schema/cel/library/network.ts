// Addresses and networks.
import { CelError } from '../errors.ts';
import type { Library } from '../overloads.ts';
import { CelOpaque, type CelValue, type Outcome } from '../value-types.ts';
import {
  type Address,
  AddressProblem,
  formatAddress,
  isMapped,
  maskedTo,
  parseAddress,
  widthOf,
} from './ip-address.ts';

class CelIp extends CelOpaque {
  readonly typeName = 'net.IP';
  readonly address: Address;
  constructor(address: Address) {
    super();
    this.address = address;
  }
  override get size(): number {
    return widthOf(this.address) / 8;
  }
  equals(other: CelValue): boolean {
    return (
      other instanceof CelIp && other.address.family === this.address.family && other.address.bits === this.address.bits
    );
  }
  override toJson(): unknown {
    return formatAddress(this.address);
  }
}

class CelCidr extends CelOpaque {
  readonly typeName = 'net.CIDR';
  readonly address: Address;
  readonly length: number;
  constructor(address: Address, length: number) {
    super();
    this.address = address;
    this.length = length;
  }
  override get size(): number {
    return Math.ceil(this.length / 8);
  }
  equals(other: CelValue): boolean {
    if (!(other instanceof CelCidr) || other.length !== this.length) return false;
    return other.address.family === this.address.family && other.address.bits === this.address.bits;
  }
  /** Whether the first bits of an address are those of the network. */
  has(address: Address): boolean {
    return (
      address.family === this.address.family &&
      maskedTo(address, this.length).bits === maskedTo(this.address, this.length).bits
    );
  }
  override toJson(): unknown {
    return `${formatAddress(this.address)}/${this.length}`;
  }
}

/** What `read` makes, or its problem as an error. */
function orError<T extends CelValue>(read: () => T, explain: (problem: string) => string): T | CelError {
  try {
    return read();
  } catch (error) {
    if (error instanceof AddressProblem) return new CelError(explain(error.message));
    throw error;
  }
}

function ip(text: string): CelIp | CelError {
  const value = orError(
    () => new CelIp(parseAddress(text)),
    (problem) => `IP Address ${JSON.stringify(text)} parse error during conversion from string: ${problem}`,
  );
  if (value instanceof CelError) return value;
  if (value.address.zone !== '')
    return new CelError(`IP address ${JSON.stringify(text)} with zone value is not allowed`);
  if (isMapped(value.address)) return new CelError(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  return value;
}

const notRead = 'network address parse error during conversion from string: ';

function readCidr(text: string): CelCidr {
  const quoted = JSON.stringify(text);
  const slash = text.lastIndexOf('/');
  if (slash < 0) throw new AddressProblem(`${notRead}netip.ParsePrefix(${quoted}): no '/'`);
  let address: Address;
  try {
    address = parseAddress(text.slice(0, slash));
  } catch (error) {
    if (!(error instanceof AddressProblem)) throw error;
    throw new AddressProblem(`${notRead}netip.ParsePrefix(${quoted}): ${error.message}`);
  }
  if (address.zone !== '') {
    throw new AddressProblem(`${notRead}netip.ParsePrefix(${quoted}): IPv6 zones cannot be present in a prefix`);
  }
  const bits = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,9})$/.test(bits)) {
    throw new AddressProblem(`${notRead}netip.ParsePrefix(${quoted}): bad bits after slash: ${JSON.stringify(bits)}`);
  }
  if (Number(bits) > widthOf(address)) {
    throw new AddressProblem(`${notRead}netip.ParsePrefix(${quoted}): prefix length out of range`);
  }
  if (isMapped(address)) throw new AddressProblem(`IPv4-mapped IPv6 address ${quoted} is not allowed`);
  return new CelCidr(address, Number(bits));
}

const cidr = (text: string): CelCidr | CelError =>
  orError(
    () => readCidr(text),
    (problem) => notRead + problem,
  );

const containsIp = (network: CelCidr, other: CelIp | CelError): Outcome =>
  other instanceof CelError ? other : network.has(other.address);
const containsCidr = (network: CelCidr, other: CelCidr | CelError): Outcome =>
  other instanceof CelError ? other : network.length <= other.length && network.has(other.address);

/** Of an address, by its family. */
const about =
  (isV4: (bits: bigint) => boolean, isV6: (bits: bigint) => boolean) =>
  ({ address: { family, bits } }: CelIp): boolean =>
    family === 4 ? isV4(bits) : isV6(bits);

const isUnspecified = about(
  (bits) => bits === 0n,
  (bits) => bits === 0n,
);
const isLoopback = about(
  (bits) => bits >> 24n === 127n,
  (bits) => bits === 1n,
);
const isLinkLocalMulticast = about(
  (bits) => bits >> 8n === 0xe00000n,
  (bits) => (bits >> 112n) % 0x10000n === 0xff02n,
);
const isLinkLocalUnicast = about(
  (bits) => bits >> 16n === 0xa9fen,
  (bits) => bits >> 118n === 0x3fan,
);
const isMulticast = about(
  (bits) => bits >> 28n === 0xen,
  (bits) => bits >> 120n === 0xffn,
);
const isGlobalUnicast = (value: CelIp): boolean =>
  !(value.address.family === 4 && value.address.bits === 0xffffffffn) &&
  ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast].some((is) => is(value));

const isIp = (text: string) => ip(text) instanceof CelIp;
const onIp = (run: (value: CelIp) => CelValue) => ['net.IP.() -> bool', run] as const;

export const network: Library = {
  ip: {
    overloads: {
      string_to_ip: ['(string) -> net.IP', ip],
      cidr_ip: ['net.CIDR.() -> net.IP', ({ address }: CelCidr) => new CelIp(address)],
    },
  },
  family: { overloads: { ip_family: ['net.IP.() -> int', ({ address }: CelIp) => BigInt(address.family)] } },
  'ip.isCanonical': {
    overloads: {
      ip_is_canonical: [
        '(string) -> bool',
        (text: string) => {
          const value = ip(text);
          return value instanceof CelError ? value : formatAddress(value.address) === text;
        },
      ],
    },
  },
  isUnspecified: { overloads: { ip_is_unspecified: onIp(isUnspecified) } },
  isLoopback: { overloads: { ip_is_loopback: onIp(isLoopback) } },
  isLinkLocalMulticast: { overloads: { ip_is_link_local_multicast: onIp(isLinkLocalMulticast) } },
  isLinkLocalUnicast: { overloads: { ip_is_link_local_unicast: onIp(isLinkLocalUnicast) } },
  isGlobalUnicast: { overloads: { ip_is_global_unicast: onIp(isGlobalUnicast) } },
  isIP: { overloads: { is_ip: ['(string) -> bool', isIp] } },
  string: {
    overloads: {
      ip_to_string: ['(net.IP) -> string', ({ address }: CelIp) => formatAddress(address)],
      cidr_to_string: ['(net.CIDR) -> string', (value: CelCidr) => value.toJson() as string],
    },
  },
  cidr: { overloads: { string_to_cidr: ['(string) -> net.CIDR', cidr] } },
  containsIP: {
    overloads: {
      cidr_contains_ip_string: [
        'net.CIDR.(string) -> bool',
        (range: CelCidr, text: string) => containsIp(range, ip(text)),
      ],
      cidr_contains_ip_ip: ['net.CIDR.(net.IP) -> bool', containsIp],
    },
  },
  containsCIDR: {
    overloads: {
      cidr_contains_cidr_string: [
        'net.CIDR.(string) -> bool',
        (range: CelCidr, text: string) => containsCidr(range, cidr(text)),
      ],
      cidr_contains_cidr: ['net.CIDR.(net.CIDR) -> bool', containsCidr],
    },
  },
  prefixLength: {
    overloads: { cidr_prefix_length: ['net.CIDR.() -> int', ({ length }: CelCidr) => BigInt(length)] },
  },
  masked: {
    overloads: {
      cidr_masked: [
        'net.CIDR.() -> net.CIDR',
        ({ address, length }: CelCidr) => new CelCidr(maskedTo(address, length), length),
      ],
    },
  },
  isCIDR: { overloads: { is_cidr: ['(string) -> bool', (text: string) => cidr(text) instanceof CelCidr] } },
};
