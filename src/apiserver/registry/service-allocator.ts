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
import { typeOf } from '../../schema/ir.ts';
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
  nodePortsOf,
} from './service-families.ts';
import { managedBy, managedByLabel } from './service-ip-repairs.ts';
import { createPortClaims, reserveNodePorts } from './service-node-ports.ts';

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

let specFields: ReadonlyMap<string, number> | undefined;

/** What was given out is in its place among the other fields, as if the client had said it. */
function inFieldOrder(service: Service): void {
  if (!service.spec) return;
  specFields ??= new Map(typeOf('io.k8s.api.core.v1.ServiceSpec').jsonFields.map(({ name }, index) => [name, index]));
  const at = ([name]: [string, unknown]) => specFields!.get(name)!;
  const fields = Object.entries(service.spec).sort((left, right) => at(left) - at(right));
  service.spec = Object.fromEntries(fields) as NonNullable<Service['spec']>;
}

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

  reserve(
    resource: ResourceInfo,
    object: KubernetesObject,
    current: KubernetesObject | undefined,
    isDryRun: boolean,
  ): Reservation | undefined {
    if (!isService(resource)) return undefined;
    this.#settle(object as unknown as Service, current as unknown as Service | undefined);
    const version = this.#objects.changedAt(serviceKind);
    const ranges = `${this.#objects.changedAt(serviceCIDRKind)} ${this.#objects.changedAt(ipAddressKind)}`;
    for (const pool of this.#pools.values()) pool.refresh(`${version} ${ranges}`);
    this.#ports.refresh(version);
    const held = new Held(this.#ports);
    try {
      const errors = new FieldErrors();
      const before = current as unknown as Service | undefined;
      this.#reserveIps(object as unknown as Service, before, held, errors);
      if (!errors.isEmpty) {
        throw invalid({ group: '', name: 'Service' }, object.metadata.name, errors.summary(), errors.causes());
      }
      const claims = createPortClaims(this.#ports, held.ports, this.#portRange.join('-'), isDryRun);
      reserveNodePorts(object as unknown as Service, before, claims);
      inFieldOrder(object as unknown as Service);
      return held;
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  }

  /** Families, and what the stored Service already holds. */
  #settle(service: Service, current: Service | undefined): void {
    if (current) carryAddresses(service, current);
    const { spec } = service;
    // Nobody ever sees this of a name; what is no policy is still refused.
    if (spec?.type === 'ExternalName' && /^(Cluster|Local)$/.test(spec.internalTrafficPolicy ?? '')) {
      delete spec.internalTrafficPolicy;
    }
    // Addresses that cannot be are said alone: nothing else of the object has been looked at yet.
    const own = new FieldErrors();
    chooseFamilies(service, current, [...this.#pools.keys()], own);
    if (own.isEmpty) return;
    throw invalid({ group: '', name: 'Service' }, service.metadata.name ?? '', own.summary(), own.causes());
  }

  #reserveIps(service: Service, before: Service | undefined, held: Held, errors: FieldErrors): void {
    if (!needsClusterIp(service) || !service.spec) return;
    const { spec } = service;
    const addresses = clusterIpsOf(service);
    // An update takes further addresses; that those it has may not change, validation says.
    const hadAddresses = before?.spec && before.spec.type !== 'ExternalName';
    if (hadAddresses && isHeadless(before)) return;
    const own = hadAddresses ? clusterIpsOf(before).length : 0;
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      const pool = this.#pools.get(family as IpFamily);
      const asked = addresses[index];
      if (asked !== undefined && index < own) continue;
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
