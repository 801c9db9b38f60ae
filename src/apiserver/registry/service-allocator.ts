// Allocation of cluster IPs and node ports.
import type { Service } from '../../../generated/core-v1.ts';
import { serviceKind } from '../../../generated/kinds.ts';
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import { formatIp, parseCidr, parseIp } from '../../api/meta/ip-address.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { invalid } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Random } from '../../base/random.ts';
import { NumberPool } from './number-pool.ts';
import type { ObjectReader } from './object-reader.ts';
import type { Reservation, ServiceAddresses } from './service-addresses.ts';
import {
  carryAddresses,
  chooseFamilies,
  clusterIpsOf,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
  nodePortsOf,
} from './service-families.ts';

export interface ServiceAddressOptions {
  readonly objects: ObjectReader;
  readonly serviceCidr: string;
  readonly nodePortRange: readonly [first: number, last: number];
  readonly random: Random;
}

export function createServiceAddresses(options: ServiceAddressOptions): ServiceAddresses {
  return new Allocator(options);
}

const isService = ({ storage }: ResourceInfo) => storage.group === '' && storage.plural === 'services';

const toNumber = (ip: string): number | undefined => {
  const parsed = parseIp(ip);
  return parsed?.family === 4 ? Number(parsed.bits) : undefined;
};

/** Addresses below this many are left for those who ask for a certain one, as upstream does. */
const staticBand = (size: number) => Math.min(Math.max(16, Math.floor(size / 16)), 256);

class Allocator implements ServiceAddresses {
  readonly #objects: ObjectReader;
  readonly #ips: NumberPool;
  readonly #ports: NumberPool;
  readonly #portRange: readonly [number, number];

  constructor({ objects, serviceCidr, nodePortRange, random }: ServiceAddressOptions) {
    this.#objects = objects;
    this.#portRange = nodePortRange;
    const range = parseCidr(serviceCidr);
    if (range?.family !== 4) throw new RangeError(`not an IPv4 range for services: ${serviceCidr}`);
    const base = Number(range.start);
    const size = 2 ** (32 - range.prefix);
    const services = () => objects.list<Service & KubernetesObject>(serviceKind as never);
    this.#ips = new NumberPool({
      first: base + 1,
      last: base + size - 2,
      dynamicFrom: base + 1 + staticBand(size),
      random,
      stored: () => services().flatMap((service) => clusterIpsOf(service).flatMap((ip) => toNumber(ip) ?? [])),
    });
    this.#ports = new NumberPool({
      first: nodePortRange[0],
      last: nodePortRange[1],
      dynamicFrom: nodePortRange[0] + Math.floor(staticBand(nodePortRange[1] - nodePortRange[0] + 1) / 2),
      random,
      stored: () => services().flatMap(nodePortsOf),
    });
  }

  prepare(resource: ResourceInfo, object: KubernetesObject, current: KubernetesObject | undefined): void {
    if (!isService(resource)) return;
    const service = object as unknown as Service;
    if (current) carryAddresses(service, current as unknown as Service);
    // Addresses that cannot be are said alone: nothing else of the object has been looked at yet.
    const own = new FieldErrors();
    chooseFamilies(service, own);
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
    this.#ips.refresh(version);
    this.#ports.refresh(version);
    const held = new Held(this.#ips, this.#ports);
    try {
      const errors = new FieldErrors();
      const before = current as unknown as Service | undefined;
      this.#reserveIp(object as unknown as Service, before, held, errors);
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

  #reserveIp(service: Service, before: Service | undefined, held: Held, errors: FieldErrors): void {
    if (!needsClusterIp(service) || !service.spec) return;
    const { spec } = service;
    const at = path('spec.clusterIPs');
    const [asked] = clusterIpsOf(service);
    if (asked === undefined) {
      const taken = this.#ips.take();
      if (taken === undefined) {
        errors.internal(at, 'failed to allocate a cluster IP: range is full');
        return;
      }
      held.ips.push(taken);
      spec.clusterIP = formatIp({ family: 4, bits: BigInt(taken) });
      spec.clusterIPs = [spec.clusterIP];
      return;
    }
    if (before && clusterIpsOf(before).includes(asked)) return;
    const value = toNumber(asked);
    const problem =
      value === undefined || !this.#ips.isInRange(value)
        ? 'the provided network does not match the current range'
        : this.#ips.isFree(value)
          ? ''
          : 'provided IP is already allocated';
    if (problem) {
      errors.invalid(at, [asked], `failed to allocate IP ${asked}: ${problem}`);
      return;
    }
    this.#ips.hold(value!);
    held.ips.push(value!);
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

class Held implements Reservation {
  readonly ips: number[] = [];
  readonly ports: number[] = [];
  readonly #ipPool: NumberPool;
  readonly #portPool: NumberPool;

  constructor(ipPool: NumberPool, portPool: NumberPool) {
    this.#ipPool = ipPool;
    this.#portPool = portPool;
  }

  [Symbol.dispose](): void {
    for (const ip of this.ips) this.#ipPool.release(ip);
    for (const port of this.ports) this.#portPool.release(port);
  }
}
