// Load balancers without a cloud: addresses out of ranges, which a node then answers for (network/load-balancer).
import type { LoadBalancerStatus, Service } from '../../../generated/core-v1.ts';
import { announcedAddress } from '../../api/core/announced-addresses.ts';
import { type AddressRange, addressesIn, holdsAddress, parseAddressRange } from '../../api/meta/address-range.ts';
import { formatIp, parseIp } from '../../api/meta/ip-address.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { LoadBalancers } from './load-balancers.ts';

export interface AddressPoolOptions {
  /** `192.0.2.0/24` or `192.0.2.10-192.0.2.20`, or the same of IPv6. */
  readonly ranges: readonly string[];
  /** Services that may have an address already. */
  readonly services: () => readonly Service[];
  /** Addresses that are somebody's own: those of nodes. */
  readonly taken: () => readonly string[];
}

type Family = AddressRange['family'];

export class AddressPool implements LoadBalancers {
  readonly #ranges: readonly AddressRange[];
  readonly #options: AddressPoolOptions;
  /** Given out by us: the cache of Services hears of it later. Address → key of the Service. */
  readonly #given = new Map<string, string>();

  /** @throws Error for a range that is none */
  constructor(options: AddressPoolOptions) {
    this.#options = options;
    this.#ranges = options.ranges.map(parseAddressRange);
  }

  async ensure(service: Service): Promise<LoadBalancerStatus> {
    const key = keyOf(service);
    const held = this.#holders();
    const has = [...held].flatMap(([address, holder]) => (holder === key ? [address] : []));
    const addresses = this.#familiesOf(service).map((family) => {
      const known = has.find((address) => familyOf(address) === family);
      const wished = this.#wishOf(service, family);
      if (known !== undefined && (!wished || wished === known)) return known;
      return wished ? this.#wished(wished, held) : this.#free(family, held);
    });
    for (const address of has) if (!addresses.includes(address)) this.#given.delete(address);
    for (const address of addresses) this.#given.set(address, key);
    return { ingress: addresses.map((ip) => ({ ip, ipMode: 'VIP' })) };
  }

  isComplete(service: Service): boolean {
    const has = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
    const families = this.#familiesOf(service);
    const isOurs = has.length > 0 && service.metadata.annotations?.[announcedAddress] === has.join();
    return !isOurs || (has.length === families.length && families.every((each, at) => familyOf(has[at]!) === each));
  }

  annotations({ ingress = [] }: LoadBalancerStatus): Record<string, string | null> {
    return { [announcedAddress]: ingress.map(({ ip }) => ip).join() || null };
  }

  async remove(service: Service): Promise<void> {
    const key = keyOf(service);
    for (const [address, holder] of this.#given) if (holder === key) this.#given.delete(address);
  }

  /** One address of each of its families that there is a range of; the first is needed. */
  #familiesOf({ spec }: Service): Family[] {
    const wanted = (spec?.ipFamilies ?? ['IPv4']).map((family): Family => (family === 'IPv6' ? 6 : 4));
    return wanted.filter((family, index) => index === 0 || this.#ranges.some((range) => range.family === family));
  }

  #wishOf({ spec }: Service, family: Family): string | undefined {
    const wished = spec?.loadBalancerIP;
    const ip = wished ? parseIp(wished) : undefined;
    if (ip) return ip.family === family ? formatIp(ip) : undefined;
    return wished || undefined; // what is no address is not in the ranges, and that is said
  }

  #wished(address: string, held: ReadonlyMap<string, string>): string {
    if (!this.#ranges.some((range) => holdsAddress(range, address)))
      throw new Error(`${address} is not in the ranges of load balancers (${this.#options.ranges.join(', ')})`);
    const holder = held.get(address);
    if (holder !== undefined) throw new Error(`${address} is in use by ${holder}`);
    return address;
  }

  #free(family: Family, held: ReadonlyMap<string, string>): string {
    const ranges = this.#ranges.filter((range) => range.family === family);
    for (const range of ranges) for (const address of addressesIn(range)) if (!held.has(address)) return address;
    const places = this.#options.ranges.join(', ');
    if (ranges.length === 0)
      throw new Error(`no address of IPv${family} is in the ranges of load balancers (${places})`);
    throw new Error(`no address is left in ${places}`);
  }

  #holders(): Map<string, string> {
    const held = new Map(this.#options.taken().map((address) => [address, 'a node']));
    for (const [address, key] of this.#given) held.set(address, key);
    for (const service of this.#options.services())
      for (const { ip } of service.status?.loadBalancer?.ingress ?? []) if (ip) held.set(ip, keyOf(service));
    return held;
  }
}

const familyOf = (address: string): Family | undefined => parseIp(address)?.family;
