// The cluster's own names, answered from the informers' caches: what CoreDNS's kubernetes plugin answers, from the
// same facts. Pure lookups; nothing is kept beside the caches.
import type { Namespace, Service } from '../../../generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../../../generated/discovery-v1.ts';
import { namespaceKind, serviceKind } from '../../../generated/kinds.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { contains, familyOf, type IpFamily, rangesIn } from '../addresses.ts';
import { type SlicesByService, slicesByService } from '../service-of-slice.ts';
import { fromReverseName, type ResourceRecord, toReverseLabel } from './resource-record.ts';

/** What the zone says to a question. `elsewhere`: the name is not ours. */
export type ZoneAnswer =
  | { readonly kind: 'found'; readonly records: readonly ResourceRecord[]; readonly extra?: readonly ResourceRecord[] }
  /** An ExternalName: `records` is the alias, `target` is to be looked up and added. */
  | { readonly kind: 'alias'; readonly records: readonly ResourceRecord[]; readonly target: string }
  | { readonly kind: 'nodata' | 'nxdomain'; readonly authority: ResourceRecord }
  | { readonly kind: 'elsewhere' };

export interface ZoneOptions {
  readonly informers: InformerFactory;
  /** `cluster.local` */
  readonly clusterDomain: string;
  readonly podCidr?: string;
  readonly serviceCidr?: string;
  readonly ttlSeconds?: number;
  /** Whether to watch namespaces, so that names in one that is not there are denied; default no: it costs a watch. */
  readonly watchNamespaces?: boolean;
}

export interface Zone {
  /** `name` in lower case without a dot at its end. */
  resolve(name: string, type: string): ZoneAnswer;
  /** Called when an answer may be another from now on. */
  onChange(handler: () => void): void;
}

const byServiceAddress = 'network-address';
const byEndpointAddress = 'network-endpoint-address';

export function createZone(options: ZoneOptions): Zone {
  return new ClusterZone(options);
}

class ClusterZone implements Zone {
  readonly #domain: string;
  readonly #suffix: string;
  readonly #ttl: number;
  readonly #ranges: readonly string[];
  readonly #services: Informer<Service>;
  readonly #namespaces: Informer<Namespace> | undefined;
  readonly #slices: SlicesByService;

  constructor(options: ZoneOptions) {
    this.#domain = options.clusterDomain.toLowerCase().replace(/\.$/, '');
    this.#suffix = `.${this.#domain}`;
    this.#ttl = options.ttlSeconds ?? 5;
    this.#ranges = [options.podCidr, options.serviceCidr].flatMap((ranges) => rangesIn(ranges ?? ''));
    this.#services = options.informers.informer(serviceKind);
    this.#namespaces = options.watchNamespaces ? options.informers.informer(namespaceKind) : undefined;
    this.#slices = slicesByService(options.informers);
    this.#services.addIndex(
      byServiceAddress,
      ({ spec }) => spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : []),
    );
    this.#slices.informer.addIndex(byEndpointAddress, ({ endpoints }) => (endpoints ?? []).flatMap((e) => e.addresses));
  }

  onChange(handler: () => void): void {
    const handlers = { added: handler, updated: handler, deleted: handler };
    this.#services.onChange(handlers);
    this.#slices.informer.onChange(handlers);
    this.#namespaces?.onChange(handlers);
  }

  resolve(name: string, type: string): ZoneAnswer {
    if (name === this.#domain) return this.#apex(type);
    if (name.endsWith(this.#suffix)) return this.#inDomain(name, name.slice(0, -this.#suffix.length).split('.'), type);
    return this.#reverse(name, type);
  }

  #apex(type: string): ZoneAnswer {
    if (type === 'SOA') return { kind: 'found', records: [this.#soa()] };
    if (type === 'NS') return this.#found([{ name: this.#domain, type: 'NS', ttl: this.#ttl, data: this.#nameServer }]);
    return this.#none('nodata');
  }

  get #nameServer(): string {
    return `ns.dns.${this.#domain}`;
  }

  /** `labels` stand before the domain: `web default svc`. */
  #inDomain(name: string, labels: readonly string[], type: string): ZoneAnswer {
    const kind = labels.at(-1);
    const namespace = labels.at(-2);
    if (name === `dns-version.${this.#domain}`) {
      if (type !== 'TXT') return this.#none('nodata');
      return this.#found([{ name, type: 'TXT', ttl: this.#ttl, data: '1.1.0' }]);
    }
    if (kind !== 'svc' && kind !== 'pod') return this.#none('nxdomain');
    if (namespace === undefined) return this.#none('nodata');
    if (this.#namespaces && !this.#namespaces.find(namespace)) return this.#none('nxdomain');
    const inner = labels.slice(0, -2);
    if (inner.length === 0) return this.#none('nodata');
    return kind === 'pod' ? this.#pod(name, inner, type) : this.#service(name, namespace, inner, type);
  }

  /** `10-244-0-5.default.pod`: the address is in the name, and is not checked against the pods there are. */
  #pod(name: string, inner: readonly string[], type: string): ZoneAnswer {
    const label = inner[0]!;
    const address = label.replaceAll('-', familyOf(label.replaceAll('-', '.')) === 'IPv4' ? '.' : ':');
    const family = familyOf(address);
    if (inner.length !== 1 || !family) return this.#none('nxdomain');
    return type === recordType(family) ? this.#found([this.#address(name, address)]) : this.#none('nodata');
  }

  #service(name: string, namespace: string, inner: readonly string[], type: string): ZoneAnswer {
    const service = this.#services.find(`${namespace}/${inner.at(-1)}`);
    if (!service) return this.#none('nxdomain');
    if (service.spec?.type === 'ExternalName') return this.#externalName(name, service, inner);
    const before = inner.slice(0, -1);
    if (before.length === 0) return this.#serviceItself(name, service, type);
    if (before.length === 1 && !before[0]!.startsWith('_')) return this.#endpoint(name, service, before[0]!, type);
    if (before.length === 1 && !isProtocolLabel(before[0]!)) return this.#none('nxdomain');
    if (before.length === 1) return this.#none('nxdomain');
    if (before.length === 2) return this.#ports(name, service, before as [string, string], type);
    return this.#none('nxdomain');
  }

  #externalName(name: string, service: Service, inner: readonly string[]): ZoneAnswer {
    const target = service.spec?.externalName?.replace(/\.$/, '');
    if (inner.length !== 1 || !target || !fitsTheWire(target)) return this.#none('nxdomain');
    return { kind: 'alias', target, records: [{ name, type: 'CNAME', ttl: this.#ttl, data: target }] };
  }

  #serviceItself(name: string, service: Service, type: string): ZoneAnswer {
    const addresses = isHeadless(service)
      ? this.#endpointsOf(service).map(({ address }) => address)
      : clusterAddresses(service);
    if (addresses.length === 0) return this.#none('nxdomain');
    if (type === 'A' || type === 'AAAA') {
      const wanted = [...new Set(addresses)].filter((address) => recordTypeOf(address) === type);
      return this.#found(wanted.map((address) => this.#address(name, address)));
    }
    if (type === 'SRV') return this.#srv(name, service, () => true);
    return this.#none('nodata');
  }

  /** `HOSTNAME.web.default.svc`, or an endpoint without hostname by its address with dashes. */
  #endpoint(name: string, service: Service, label: string, type: string): ZoneAnswer {
    const found = this.#endpointsOf(service).filter((endpoint) => endpoint.label === label);
    if (found.length === 0) return this.#none('nxdomain');
    if (type === 'SRV') return this.#srv(name, service, () => true, label);
    const addresses = [...new Set(found.map(({ address }) => address))].filter((a) => recordTypeOf(a) === type);
    return this.#found(addresses.map((address) => this.#address(name, address)));
  }

  /** `_http._tcp.web.default.svc`. */
  #ports(name: string, service: Service, [port, protocol]: [string, string], type: string): ZoneAnswer {
    if (!port.startsWith('_') || !isProtocolLabel(protocol)) return this.#none('nxdomain');
    const matches = (portName: string, portProtocol: string) =>
      `_${portName}` === port && `_${portProtocol.toLowerCase()}` === protocol;
    const answer = this.#srv(name, service, matches);
    if (answer.kind !== 'found') return this.#none('nxdomain');
    if (type === 'SRV') return answer;
    if (type !== 'A' && type !== 'AAAA') return this.#none('nodata');
    return this.#serviceItself(name, service, type);
  }

  #srv(
    name: string,
    service: Service,
    matches: (port: string, protocol: string) => boolean,
    only?: string,
  ): ZoneAnswer {
    const owner = `${service.metadata.name}.${service.metadata.namespace}.svc.${this.#domain}`;
    const targets = new Map<string, string>();
    const found: { port: number; target: string }[] = [];
    const add = (port: number, target: string, addresses: readonly string[]) => {
      if (found.some((other) => other.port === port && other.target === target)) return;
      found.push({ port, target });
      for (const address of addresses) targets.set(`${target} ${address}`, address);
    };
    if (isHeadless(service) || only !== undefined) {
      for (const { label, address, ports } of this.#endpointsOf(service)) {
        if (only !== undefined && label !== only) continue;
        for (const port of ports) if (matches(port.name, port.protocol)) add(port.port, `${label}.${owner}`, [address]);
      }
    } else {
      for (const port of service.spec?.ports ?? []) {
        if (matches(port.name ?? '', port.protocol ?? 'TCP')) add(port.port, owner, clusterAddresses(service));
      }
    }
    if (found.length === 0) return this.#none('nodata');
    const weight = Math.max(1, Math.floor(100 / found.length));
    const records = found.map(({ port, target }): ResourceRecord => {
      return { name, type: 'SRV', ttl: this.#ttl, data: { priority: 0, weight, port, target } };
    });
    const extra = [...targets].map(([key, address]) => this.#address(key.split(' ')[0]!, address));
    return { kind: 'found', records, extra };
  }

  #reverse(name: string, type: string): ZoneAnswer {
    const address = fromReverseName(name);
    if (!address) return { kind: 'elsewhere' };
    const names = [
      ...this.#services
        .byIndex(byServiceAddress, address)
        .map(({ metadata }) => `${metadata.name}.${metadata.namespace}.svc.${this.#domain}`),
      ...this.#slices.informer.byIndex(byEndpointAddress, address).flatMap((slice) => this.#namesIn(slice, address)),
    ];
    if (names.length > 0) {
      if (type !== 'PTR') return this.#none('nodata');
      return this.#found([...new Set(names)].map((data) => ({ name, type: 'PTR', ttl: this.#ttl, data })));
    }
    // Nobody outside knows of our ranges.
    return this.#ranges.some((range) => contains(range, address)) ? this.#none('nxdomain') : { kind: 'elsewhere' };
  }

  #namesIn(slice: EndpointSlice, address: string): string[] {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (!service || !this.#services.find(`${slice.metadata.namespace}/${service}`)) return [];
    return (slice.endpoints ?? [])
      .filter(({ addresses, conditions }) => addresses.includes(address) && conditions?.ready !== false)
      .map((endpoint) => `${labelOf(endpoint, address)}.${service}.${slice.metadata.namespace}.svc.${this.#domain}`);
  }

  #endpointsOf(service: Service): NamedEndpoint[] {
    const key = `${service.metadata.namespace}/${service.metadata.name}`;
    return this.#slices.of(key).flatMap((slice) => {
      const ports = (slice.ports ?? []).map(({ name = '', protocol = 'TCP', port = 0 }) => ({ name, protocol, port }));
      return (slice.endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready !== false)
        .flatMap((endpoint) =>
          endpoint.addresses
            .filter((address) => familyOf(address))
            .map((address) => ({ address, ports, label: labelOf(endpoint, address) })),
        );
    });
  }

  #address(name: string, address: string): ResourceRecord {
    return { name, type: recordTypeOf(address)!, ttl: this.#ttl, data: address };
  }

  /** A name that exists, with what there is of the type asked for. */
  #found(records: readonly ResourceRecord[]): ZoneAnswer {
    return records.length > 0 ? { kind: 'found', records } : this.#none('nodata');
  }

  #none(kind: 'nodata' | 'nxdomain'): ZoneAnswer {
    return { kind, authority: this.#soa() };
  }

  #soa(): ResourceRecord {
    const data = {
      mname: this.#nameServer,
      rname: `hostmaster.${this.#domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: this.#ttl,
    };
    return { name: this.#domain, type: 'SOA', ttl: this.#ttl, data };
  }
}

interface NamedEndpoint {
  readonly address: string;
  readonly label: string;
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

const labelOf = (endpoint: Endpoint, address: string) => endpoint.hostname?.toLowerCase() || toReverseLabel(address);
const recordType = (family: IpFamily) => (family === 'IPv4' ? 'A' : 'AAAA');
const isProtocolLabel = (label: string) => label === '_tcp' || label === '_udp' || label === '_sctp';
const fitsTheWire = (name: string) =>
  name.length <= 253 && name.split('.').every(({ length }) => length > 0 && length <= 63);
const isHeadless = (service: Service) => service.spec?.clusterIP === 'None';

function recordTypeOf(address: string): 'A' | 'AAAA' | undefined {
  const family = familyOf(address);
  return family && recordType(family);
}

function clusterAddresses(service: Service): string[] {
  const { clusterIPs, clusterIP } = service.spec ?? {};
  return (clusterIPs ?? (clusterIP ? [clusterIP] : [])).filter((address) => familyOf(address));
}
