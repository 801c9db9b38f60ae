// What the table must hold for one Service. Pure: from the Service, its slices and the node's own facts.
import type { Service, ServicePort } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { announcedAddresses } from '../../api/core/announced-addresses.ts';
import { contains, familyOf, type IpFamily, isRoutable, rangeOf, standardRange } from '../addresses.ts';
import {
  concat,
  type Element,
  type Expression,
  goto,
  inRange,
  match,
  meta,
  type OwnSet,
  type Plan,
  payload,
  type Rule,
} from '../nftables/rule-set.ts';
import {
  addressType,
  discardChain,
  endpointMap,
  endpointPorts,
  mostShared,
  packetsOf,
  refuseChain,
  spreadChain,
} from './base-rules.ts';
import { chooseEndpoints, type EndpointChoice, type UsableEndpoint } from './endpoints.ts';

export interface NodeFacts {
  readonly nodeName: string;
  /** This node's pod range, or one of each family with a comma between. */
  readonly podCidr: string;
  /** The same of the cluster; absent: all endpoints are pods. */
  readonly clusterPodCidr?: string;
  readonly zone?: string | undefined;
  /** Its own, as the cluster knows them. */
  readonly addresses?: readonly string[];
  readonly isLeaving?: (podKey: string) => boolean;
  readonly isFurther?: (nodeName: string) => boolean;
}

/** Names go into rules, so what the API would not have let in is left out. */
const safeName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const protocols = new Set(['tcp', 'udp', 'sctp']);
/** More endpoints than this are drawn from a map. */
const mostRules = 16;
const defaultAffinitySeconds = 10_800;
/** Services and slices that have these are somebody else's to serve. */
const otherProxyLabels = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'];

/** Plans one family of the service; headless services and those that are only a name need no rules. */
export function planService(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeFacts,
  family: IpFamily = 'IPv4',
): Plan {
  const plan = new PlanBuilder();
  const { metadata, spec } = service;
  const isNamed = safeName.test(metadata.name) && safeName.test(metadata.namespace ?? '');
  const clusterIP = (spec?.clusterIPs ?? [spec?.clusterIP ?? '']).find((address) => familyOf(address) === family);
  if (!isNamed || !spec || spec.type === 'ExternalName' || !clusterIP || !isRoutable(clusterIP)) return plan;
  if (!isOurs(service)) return plan;
  const own = slices.filter(isOurs);
  for (const port of spec.ports ?? []) {
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    if (!protocols.has(protocol)) continue;
    const choice = chooseEndpoints(own, {
      family,
      portName: port.name ?? '',
      protocol: port.protocol ?? 'TCP',
      nodeName: node.nodeName,
      zone: node.zone,
      ...(node.isLeaving && { isLeaving: node.isLeaving }),
      ...(node.isFurther && { isFurther: node.isFurther }),
    });
    const podCidr = rangeOf(node.podCidr, family);
    const clusterPodCidr = node.clusterPodCidr ? rangeOf(node.clusterPodCidr, family) : undefined;
    const nodeAddresses = node.addresses ?? [];
    const parts = { service, port, protocol, choice, family, podCidr, clusterPodCidr, nodeAddresses };
    new PortPlanner(plan, parts).plan(clusterIP);
  }
  return plan;
}

const isOurs = ({ metadata }: Service | EndpointSlice) =>
  otherProxyLabels.every((label) => metadata.labels?.[label] === undefined);

/** How many ready endpoints of the service are on this node, whatever its ports. */
export function readyHere(service: Service, slices: readonly EndpointSlice[], node: NodeFacts): number {
  const found = new Set<string>();
  const own = slices.filter(isOurs);
  for (const family of ['IPv4', 'IPv6'] as const)
    for (const port of service.spec?.ports ?? []) {
      const question = { family, portName: port.name ?? '', protocol: port.protocol ?? 'TCP', nodeName: node.nodeName };
      for (const address of chooseEndpoints(own, question).readyHere) found.add(address);
    }
  return found.size;
}

class PlanBuilder implements Plan {
  readonly chains = new Map<string, readonly Rule[]>();
  readonly sets = new Map<string, OwnSet>();
  readonly elements: { in: string; element: Element }[] = [];
  readonly udp: { address?: string; port: number; endpoints: string[] }[] = [];

  add(name: string, key: readonly (string | number)[], target?: string): void {
    this.elements.push({ in: name, element: { key, ...(target && { target }) } });
  }

  lead(name: string, key: readonly (string | number)[], value: string | number): void {
    this.elements.push({ in: name, element: { key, value } });
  }
}

interface PortParts {
  readonly service: Service;
  readonly port: ServicePort;
  readonly protocol: string;
  readonly choice: EndpointChoice;
  readonly family: IpFamily;
  /** This node's range of that family. */
  readonly podCidr: string | undefined;
  readonly clusterPodCidr: string | undefined;
  readonly nodeAddresses: readonly string[];
}

/** One port of one service. */
class PortPlanner {
  readonly #plan: PlanBuilder;
  readonly #service: Service;
  readonly #port: ServicePort;
  readonly #protocol: string;
  readonly #choice: EndpointChoice;
  readonly #family: IpFamily;
  readonly #podCidr: string | undefined;
  readonly #clusterPodCidr: string | undefined;
  readonly #nodeAddresses: readonly string[];
  readonly #source: Expression;
  /** `default/web/tcp/80`: unique, since a service has each protocol and port once. */
  readonly #id: string;

  constructor(plan: PlanBuilder, { service, port, protocol, choice, family, ...ranges }: PortParts) {
    this.#plan = plan;
    this.#service = service;
    this.#port = port;
    this.#protocol = protocol;
    this.#choice = choice;
    this.#family = family;
    this.#podCidr = ranges.podCidr;
    this.#clusterPodCidr = ranges.clusterPodCidr;
    this.#nodeAddresses = ranges.nodeAddresses;
    this.#source = payload(packetsOf(family), 'saddr');
    this.#id = `${service.metadata.namespace}/${service.metadata.name}/${protocol}/${port.port}`;
  }

  plan(clusterIP: string): void {
    const spec = this.#service.spec!;
    this.#planClusterIp(clusterIP, spec.internalTrafficPolicy === 'Local');
    for (const address of (spec.externalIPs ?? []).filter(this.#isUsableOutside)) {
      this.#addAddress(address, this.#outside());
    }
    if (spec.type === 'LoadBalancer') this.#planLoadBalancer();
    if (this.#port.nodePort) this.#addNodePort(this.#port.nodePort, this.#outside());
    const { everywhere, local } = this.#choice;
    for (const address of new Set([...everywhere, ...local].map((endpoint) => endpoint.address))) {
      // A pod that reaches itself through its service would answer itself directly: masquerade.
      if (this.#podCidr && contains(this.#podCidr, address)) this.#plan.add('hairpin', [address, address]);
      if (this.#clusterPodCidr && !contains(this.#clusterPodCidr, address)) this.#plan.add('outside', [address]);
    }
  }

  #isUsableOutside = (address: string) => familyOf(address) === this.#family && isRoutable(address);

  #planClusterIp(clusterIP: string, isLocal: boolean): void {
    const endpoints = isLocal ? this.#choice.local : this.#choice.everywhere;
    const ports = new Set(endpoints.map(({ port }) => port));
    const isPlain = endpoints.length > 0 && endpoints.length <= mostShared && ports.size === 1;
    if (!isPlain || this.#service.spec?.sessionAffinity === 'ClientIP') {
      const target = isLocal ? this.#local() : this.#everywhere();
      this.#addAddress(clusterIP, target ?? this.#nobodyHere(), endpoints);
      return;
    }
    this.#addAddress(clusterIP, spreadChain(endpoints.length), endpoints);
    const place = [clusterIP, this.#protocol, this.#port.port];
    for (const [index, { address }] of endpoints.entries()) this.#plan.lead(endpointMap(index), place, address);
    this.#plan.lead(endpointPorts, place, endpoints[0]!.port);
  }

  #planLoadBalancer(): void {
    const ranges = (this.#service.spec?.loadBalancerSourceRanges ?? [])
      .flatMap((range) => standardRange(range.trim()) ?? [])
      .filter(({ family }) => family === this.#family);
    // Ranges of the other family alone keep nobody of this one out, and neither does one that holds everybody.
    const isOpen = ranges.length === 0 || ranges.some(({ prefixLength }) => prefixLength === 0);
    const addresses = (this.#service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
      ip && this.#isUsableOutside(ip) && ipMode !== 'Proxy' ? [ip] : [],
    );
    const sources = ranges.map(({ text }) => text);
    // This node has the address itself, and comes from there when it asks for it.
    const holdsNode = sources.some((range) => this.#nodeAddresses.some((address) => contains(range, address)));
    if (holdsNode) sources.push(...addresses.map((address) => `${address}/${this.#family === 'IPv4' ? 32 : 128}`));
    for (const address of addresses) {
      const target = this.#balanced();
      this.#addAddress(address, target && !isOpen ? this.#guarded(target, sources) : target);
    }
    for (const address of announcedAddresses(this.#service).filter(this.#isUsableOutside)) {
      this.#plan.add('announced', [address]);
    }
  }

  /** A Service that others do serve is silent where it has the Local policy; one without endpoints says no. */
  #nobodyHere(): string {
    return this.#choice.everywhere.length > 0 ? discardChain : refuseChain;
  }

  #addAddress(address: string, target = refuseChain, ledTo = this.#ledOutside()): void {
    const key = [address, this.#protocol, this.#port.port];
    const leadsSomewhere = target !== refuseChain && target !== discardChain;
    this.#plan.add(leadsSomewhere ? 'services' : 'refused', key, target);
    if (this.#protocol === 'udp') this.#addUdp({ address, port: this.#port.port }, ledTo);
  }

  /** Endpoints that what comes from outside may be led to. */
  #ledOutside(): readonly UsableEndpoint[] {
    const { everywhere, local } = this.#choice;
    return this.#isLocalOutside() ? [...everywhere, ...local] : everywhere;
  }

  #addNodePort(port: number, target: string | undefined): void {
    this.#plan.add(target ? 'node-ports' : 'refused-node-ports', [this.#protocol, port], target ?? refuseChain);
    if (this.#protocol === 'udp') this.#addUdp({ port }, this.#ledOutside());
  }

  #addUdp(flow: { address?: string; port: number }, endpoints: readonly UsableEndpoint[]): void {
    this.#plan.udp.push({ ...flow, endpoints: endpoints.map(({ address, port }) => `${address} ${port}`) });
  }

  /** The chain that leads to any endpoint; undefined where there is none. */
  #everywhere(): string | undefined {
    return this.#dispatch(`svc/${this.#id}`, this.#choice.everywhere);
  }

  #local(): string | undefined {
    return this.#dispatch(`local/${this.#id}`, this.#choice.local);
  }

  /** Where traffic from outside goes. Under the Local policy pods and the node itself still reach every endpoint. */
  #outside(): string | undefined {
    return this.#isLocalOutside() ? this.#guardedLocal(`ext/${this.#id}`, this.#local()) : this.#everywhere();
  }

  /** Of load balancers a machine takes what is for its further nodes, too, and hands it on with the source it has. */
  #balanced(): string | undefined {
    const { local, further } = this.#choice;
    if (!this.#isLocalOutside() || local.length > 0 || further.length === 0) return this.#outside();
    for (const { address } of further) this.#plan.add('keeps-source', [address]);
    return this.#guardedLocal(`balanced/${this.#id}`, this.#dispatch(`further/${this.#id}`, further));
  }

  #isLocalOutside(): boolean {
    return this.#service.spec?.externalTrafficPolicy === 'Local';
  }

  #guardedLocal(name: string, local: string | undefined): string | undefined {
    const everywhere = this.#everywhere();
    if (!everywhere) return undefined;
    this.#plan.chains.set(name, [
      ...(this.#podCidr ? [[match(this.#source, inRange(this.#podCidr)), goto(everywhere)]] : []),
      [match({ fib: { result: 'type', flags: ['saddr'] } }, 'local'), goto(everywhere)],
      local ? [goto(local)] : [{ drop: null }],
    ]);
    return name;
  }

  #guarded(target: string, ranges: readonly string[]): string {
    const name = `guard/${this.#id}`;
    const allowed = ranges.map((range): Rule => [match(this.#source, inRange(range)), goto(target)]);
    this.#plan.chains.set(name, [...allowed, [{ drop: null }]]);
    return name;
  }

  #dispatch(name: string, endpoints: readonly UsableEndpoint[]): string | undefined {
    if (endpoints.length === 0) return undefined;
    if (this.#plan.chains.has(name)) return name;
    const rules =
      this.#service.spec?.sessionAffinity === 'ClientIP' ? this.#sticky(endpoints) : this.#spread(endpoints);
    this.#plan.chains.set(name, rules);
    return name;
  }

  /**
   * A random endpoint, and the packet is on its way. A few endpoints are drawn rule by rule, each with its share of what
   * is left: maps of a rule's own are dear, the kernel walks all of a table's maps to name the next. Many are one map.
   */
  #spread(endpoints: readonly UsableEndpoint[]): Rule[] {
    const isProtocol = match(meta('l4proto'), this.#protocol);
    if (endpoints.length > mostRules) {
      const set = endpoints.map(({ address, port }, index) => [index, concat(address, port)]);
      const addr = { map: { key: random(endpoints.length), data: { set } } };
      return [[isProtocol, { dnat: { family: packetsOf(this.#family), addr } }]];
    }
    return endpoints.map(({ address, port }, index) => {
      const left = endpoints.length - index;
      const draw = left > 1 ? [match(random(left), 0)] : [];
      return [isProtocol, ...draw, { dnat: { family: packetsOf(this.#family), addr: address, port } }];
    });
  }

  /** The endpoint the client had last, as long as it is one; else a random one, which is then remembered. */
  #sticky(endpoints: readonly UsableEndpoint[]): Rule[] {
    const seconds = this.#service.spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
    const client = this.#source;
    const names: string[] = [];
    const again: Rule[] = [];
    for (const { address, port } of endpoints) {
      const name = `ep/${this.#id}/${address}/${port}`;
      // Named after its time too: a set's time can not be changed, only another set made.
      const seen = `seen/${seconds}/${this.#id}/${address}/${port}`;
      this.#plan.sets.set(seen, { type: addressType(this.#family), timeoutSeconds: seconds });
      this.#plan.chains.set(name, [
        [{ set: { op: 'update', elem: client, set: `@${seen}` } }],
        [match(meta('l4proto'), this.#protocol), { dnat: { family: packetsOf(this.#family), addr: address, port } }],
      ]);
      names.push(name);
      again.push([match(client, `@${seen}`), goto(name)]);
    }
    const data = { set: names.map((name, index) => [index, goto(name)]) };
    return [...again, names.length === 1 ? [goto(names[0]!)] : [{ vmap: { key: random(names.length), data } }]];
  }
}

const random = (count: number) => ({ numgen: { mode: 'random', mod: count, offset: 0 } });
