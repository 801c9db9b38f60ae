// Allocation of cluster IPs and node ports.
import type { Service } from '../../../generated/core-v1.ts';
import { ipAddressKind, serviceCIDRKind, serviceKind } from '../../../generated/kinds.ts';
import type { IPAddress, ServiceCIDR } from '../../../generated/networking-v1.ts';
import { isConditionTrue } from '../../api/meta/conditions.ts';
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import { formatIp, parseCidr, parseIp } from '../../api/meta/ip-address.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { invalid } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Random } from '../../base/random.ts';
import { AddressPool } from './address-pool.ts';
import { NumberPool } from './number-pool.ts';
import type { ObjectReader } from './object-reader.ts';
import type { Reservation, ServiceAddresses } from './service-addresses.ts';
import {
  carryAddresses,
  chooseFamilies,
  clusterIpsOf,
  type IpFamily,
  isHeadless,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
  nodePortsOf,
} from './service-families.ts';
import { managedBy, managedByLabel } from './service-ip-repairs.ts';

export interface ServiceAddressOptions {
  readonly objects: ObjectReader;
  /** One range, or one of each family with a comma between. */
  readonly serviceCidr: string;
  readonly nodePortRange: readonly [first: number, last: number];
  readonly random: Random;
}

export function createServiceAddresses(options: ServiceAddressOptions): ServiceAddresses {
  return new Allocator(options);
}

const isService = ({ storage }: ResourceInfo) => storage.group === '' && storage.plural === 'services';

/** As addresses are written in the one canonical way. */
const canonical = (ip: string): string => {
  const parsed = parseIp(ip);
  return parsed ? formatIp(parsed) : ip;
};

/** Ports below this many are left for those who ask for a certain one, as upstream does. */
const staticBand = (size: number) => Math.min(Math.max(16, Math.floor(size / 16)), 256);

class Allocator implements ServiceAddresses {
  readonly #objects: ObjectReader;
  /** The usual family first. */
  readonly #pools: ReadonlyMap<IpFamily, AddressPool>;
  readonly #ports: NumberPool;
  readonly #portRange: readonly [number, number];

  constructor({ objects, serviceCidr, nodePortRange, random }: ServiceAddressOptions) {
    this.#objects = objects;
    this.#portRange = nodePortRange;
    const own = serviceCidr.split(',');
    const services = () => objects.list<Service & KubernetesObject>(serviceKind as never);
    this.#pools = new Map(
      own.map((cidr) => {
        const family = parseCidr(cidr)?.family;
        if (!family) throw new RangeError(`not a range for services: ${cidr}`);
        const pool = new AddressPool({
          family,
          random,
          ranges: () => [...new Set([...own, ...this.#furtherRanges()])],
          stored: () => [...services().flatMap((each) => clusterIpsOf(each).map(canonical)), ...this.#reserved()],
        });
        return [`IPv${family}` as IpFamily, pool];
      }),
    );
    this.#ports = new NumberPool({
      first: nodePortRange[0],
      last: nodePortRange[1],
      dynamicFrom: nodePortRange[0] + Math.floor(staticBand(nodePortRange[1] - nodePortRange[0] + 1) / 2),
      random,
      stored: () => services().flatMap(nodePortsOf),
    });
  }

  /** Of ServiceCIDRs that are ready and not on their way out. */
  #furtherRanges(): string[] {
    return this.#objects
      .list<ServiceCIDR & KubernetesObject>(serviceCIDRKind as never)
      .filter(({ metadata, status }) => !metadata.deletionTimestamp && isConditionTrue(status?.conditions, 'Ready'))
      .flatMap(({ spec }) => spec?.cidrs ?? []);
  }

  /** Addresses that somebody keeps by an IPAddress of their own; those we made ourselves follow the Services. */
  #reserved(): string[] {
    return this.#objects
      .list<IPAddress & KubernetesObject>(ipAddressKind as never)
      .filter(({ metadata }) => metadata.labels?.[managedByLabel] !== managedBy)
      .map(({ metadata }) => metadata.name);
  }

  prepare(resource: ResourceInfo, object: KubernetesObject, current: KubernetesObject | undefined): void {
    if (!isService(resource)) return;
    const service = object as unknown as Service;
    if (current) carryAddresses(service, current as unknown as Service);
    // Addresses that cannot be are said alone: nothing else of the object has been looked at yet.
    const own = new FieldErrors();
    chooseFamilies(service, current as unknown as Service | undefined, [...this.#pools.keys()], own);
    if (own.isEmpty) return;
    throw invalid({ group: '', name: 'Service' }, object.metadata.name, own.summary(), own.causes());
  }

  reserve(
    resource: ResourceInfo,
    object: KubernetesObject,
    current: KubernetesObject | undefined,
  ): Reservation | undefined {
    if (!isService(resource)) return undefined;
    const version = this.#objects.changedAt(serviceKind);
    const ranges = `${this.#objects.changedAt(serviceCIDRKind)} ${this.#objects.changedAt(ipAddressKind)}`;
    for (const pool of this.#pools.values()) pool.refresh(`${version} ${ranges}`);
    this.#ports.refresh(version);
    const held = new Held(this.#ports);
    try {
      const errors = new FieldErrors();
      const before = current as unknown as Service | undefined;
      this.#reserveIps(object as unknown as Service, before, held, errors);
      this.#reservePorts(object as unknown as Service, before, held, errors);
      if (!errors.isEmpty) {
        throw invalid({ group: '', name: 'Service' }, object.metadata.name, errors.summary(), errors.causes());
      }
      return held;
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  }

  #reserveIps(service: Service, before: Service | undefined, held: Held, errors: FieldErrors): void {
    if (!needsClusterIp(service) || !service.spec) return;
    const { spec } = service;
    const addresses = clusterIpsOf(service);
    const own = new Set(before && !isHeadless(before) ? clusterIpsOf(before) : []);
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      const pool = this.#pools.get(family as IpFamily);
      const asked = addresses[index];
      if (asked !== undefined && own.has(asked)) continue;
      const taken = asked === undefined ? pool?.take() : holdOne(pool, asked, errors);
      if (taken === undefined || !pool) {
        if (asked === undefined) {
          errors.internal(path('spec.clusterIPs'), 'failed to allocate a cluster IP: range is full');
        }
        return;
      }
      held.addresses.push([pool, taken]);
      addresses[index] = asked ?? taken;
    }
    if (addresses.length === 0) return;
    spec.clusterIPs = addresses;
    spec.clusterIP = addresses[0]!;
  }

  #reservePorts(service: Service, before: Service | undefined, held: Held, errors: FieldErrors): void {
    const { spec } = service;
    if (!spec) return;
    const own = new Set(before ? nodePortsOf(before) : []);
    const [first, last] = this.#portRange;
    // One number may serve several protocols of the same Service.
    const mine = new Map<number, Set<string>>();
    const claim = (value: number, protocol: string, at = path('spec')) => {
      const used = mine.get(value);
      if (used && !used.has(protocol)) return void used.add(protocol);
      if (!this.#ports.isInRange(value)) {
        return errors.invalid(
          at,
          value,
          `provided port is not in the valid range. The range of valid ports is ${first}-${last}`,
        );
      }
      if (used || (!own.has(value) && !this.#ports.isFree(value))) {
        return errors.invalid(at, value, 'provided port is already allocated');
      }
      mine.set(value, new Set([protocol]));
      if (own.has(value)) return;
      this.#ports.hold(value);
      held.ports.push(value);
    };
    const ports = needsNodePorts(service) ? (spec.ports ?? []) : (spec.ports ?? []).filter(({ nodePort }) => nodePort);
    for (const [index, port] of ports.entries()) {
      if (port.nodePort)
        claim(port.nodePort, port.protocol ?? 'TCP', path('spec.ports').index(index).child('nodePort'));
    }
    for (const port of ports) {
      if (port.nodePort) continue;
      const taken = this.#ports.take();
      if (taken === undefined) {
        errors.internal(path('spec.ports'), 'failed to allocate a nodePort: range is full');
        return;
      }
      held.ports.push(taken);
      port.nodePort = taken;
    }
    if (!needsHealthCheckPort(service)) return;
    if (spec.healthCheckNodePort) claim(spec.healthCheckNodePort, 'health', path('spec.healthCheckNodePort'));
    else {
      const taken = this.#ports.take();
      if (taken === undefined) return;
      held.ports.push(taken);
      spec.healthCheckNodePort = taken;
    }
  }
}

/** The address in its canonical form; undefined when it can not be had. */
function holdOne(pool: AddressPool | undefined, asked: string, errors: FieldErrors): string | undefined {
  const address = canonical(asked);
  const problem = !pool?.isInRange(address)
    ? 'the provided network does not match the current range'
    : pool.isFree(address)
      ? ''
      : 'provided IP is already allocated';
  if (problem) {
    errors.invalid(path('spec.clusterIPs'), [asked], `failed to allocate IP ${asked}: ${problem}`);
    return undefined;
  }
  pool!.hold(address);
  return address;
}

class Held implements Reservation {
  readonly addresses: (readonly [AddressPool, string])[] = [];
  readonly ports: number[] = [];
  readonly #portPool: NumberPool;

  constructor(portPool: NumberPool) {
    this.#portPool = portPool;
  }

  [Symbol.dispose](): void {
    for (const [pool, address] of this.addresses) pool.release(address);
    for (const port of this.ports) this.#portPool.release(port);
  }
}
