// Load balancers without a cloud: an address out of a range, which a node then answers for (network/load-balancer).
import type { LoadBalancerStatus, Service } from '../../../generated/core-v1.ts';
import { announcedAddress } from '../../api/core/announced-addresses.ts';
import { keyOf } from '../../api/meta/object.ts';
import { type AddressRange, addressesIn, holdsAddress, parseAddressRange } from '../../base/address-range.ts';
import type { LoadBalancers } from './load-balancers.ts';

export interface AddressPoolOptions {
  /** `192.0.2.0/24` or `192.0.2.10-192.0.2.20`. */
  readonly ranges: readonly string[];
  /** Services that may have an address already. */
  readonly services: () => readonly Service[];
  /** Addresses that are somebody's own: those of nodes. */
  readonly taken: () => readonly string[];
}

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
    const wished = service.spec?.loadBalancerIP;
    const held = this.#holders();
    const has = [...held].find(([, holder]) => holder === key)?.[0];
    if (has !== undefined && (!wished || wished === has)) return statusOf(has);
    const address = wished ? this.#wished(wished, held) : this.#free(held);
    this.#given.set(address, key);
    return statusOf(address);
  }

  annotations({ ingress = [] }: LoadBalancerStatus): Record<string, string | null> {
    return { [announcedAddress]: ingress[0]?.ip ?? null };
  }

  async remove(service: Service): Promise<void> {
    const key = keyOf(service);
    for (const [address, holder] of this.#given) if (holder === key) this.#given.delete(address);
  }

  #wished(address: string, held: ReadonlyMap<string, string>): string {
    if (!this.#ranges.some((range) => holdsAddress(range, address)))
      throw new Error(`${address} is not in the ranges of load balancers (${this.#options.ranges.join(', ')})`);
    const holder = held.get(address);
    if (holder !== undefined) throw new Error(`${address} is in use by ${holder}`);
    return address;
  }

  #free(held: ReadonlyMap<string, string>): string {
    for (const range of this.#ranges) for (const address of addressesIn(range)) if (!held.has(address)) return address;
    throw new Error(`no address is left in ${this.#options.ranges.join(', ')}`);
  }

  #holders(): Map<string, string> {
    const held = new Map(this.#options.taken().map((address) => [address, 'a node']));
    for (const [address, key] of this.#given) held.set(address, key);
    for (const service of this.#options.services())
      for (const { ip } of service.status?.loadBalancer?.ingress ?? []) if (ip) held.set(ip, keyOf(service));
    return held;
  }
}

const statusOf = (ip: string): LoadBalancerStatus => ({ ingress: [{ ip, ipMode: 'VIP' }] });
