// Hands out cluster addresses of one family, each to one holder, out of the ranges there are. What is stored is read from
// the objects themselves; what has been given out since that reading is held here.
import { formatIp, parseCidr, parseIp } from '../../api/meta/ip-address.ts';
import type { Random } from '../../base/random.ts';

export interface AddressPoolOptions {
  readonly family: 4 | 6;
  readonly random: Random;
  /** In CIDR form; those of other families are left out. The first that has a free address gives it. */
  readonly ranges: () => readonly string[];
  /** Addresses that stored objects hold now. */
  readonly stored: () => Iterable<string>;
}

interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
  /** Random choices prefer addresses from here on: below it is for those who ask for a certain one. */
  readonly dynamicFrom: bigint;
}

const tries = 32;
/** Larger ranges are never full. */
const mostSearched = 1n << 20n;

export class AddressPool {
  readonly #options: AddressPoolOptions;
  #ranges: readonly AddressRange[] = [];
  #stored = new Set<string>();
  readonly #held = new Set<string>();
  #version = '';

  constructor(options: AddressPoolOptions) {
    this.#options = options;
  }

  /** `version` changes when the objects do. */
  refresh(version: string): void {
    if (version === this.#version) return;
    this.#version = version;
    this.#stored = new Set(this.#options.stored());
    this.#ranges = this.#options.ranges().flatMap((cidr) => rangeOf(cidr, this.#options.family) ?? []);
  }

  isFree(address: string): boolean {
    return !this.#stored.has(address) && !this.#held.has(address);
  }

  isInRange(address: string): boolean {
    const ip = parseIp(address);
    return (
      ip?.family === this.#options.family && this.#ranges.some(({ first, last }) => ip.bits >= first && ip.bits <= last)
    );
  }

  hold(address: string): void {
    this.#held.add(address);
  }

  release(address: string): void {
    this.#held.delete(address);
  }

  /** A free address, held. Undefined when there is none. */
  take(): string | undefined {
    for (const range of this.#ranges) {
      const address = this.#takeOf(range);
      if (address !== undefined) return address;
    }
    return undefined;
  }

  #takeOf({ first, last, dynamicFrom }: AddressRange): string | undefined {
    const from = dynamicFrom <= last ? dynamicFrom : first;
    const span = Number(last - from + 1n);
    for (let attempt = 0; attempt < tries; attempt++) {
      const taken = this.#tryOne(from + BigInt(Math.floor(this.#options.random.next() * span)));
      if (taken) return taken;
    }
    if (last - first > mostSearched) return undefined;
    for (let bits = from; bits <= last; bits++) {
      const taken = this.#tryOne(bits);
      if (taken) return taken;
    }
    for (let bits = first; bits < from; bits++) {
      const taken = this.#tryOne(bits);
      if (taken) return taken;
    }
    return undefined;
  }

  #tryOne(bits: bigint): string | undefined {
    const address = formatIp({ family: this.#options.family, bits });
    if (!this.isFree(address)) return undefined;
    this.#held.add(address);
    return address;
  }
}

/** A band at the beginning is left for those who ask for a certain address, as upstream does. */
function rangeOf(cidr: string, family: 4 | 6): AddressRange | undefined {
  const range = parseCidr(cidr);
  if (range?.family !== family) return undefined;
  const size = 1n << BigInt((family === 4 ? 32 : 128) - range.prefix);
  const band = Math.min(Math.max(16, Number(size / 16n)), 256);
  const first = range.start + 1n;
  // The last address of an IPv4 range is for everybody.
  return { first, last: range.start + size - (family === 4 ? 2n : 1n), dynamicFrom: first + BigInt(band) };
}
