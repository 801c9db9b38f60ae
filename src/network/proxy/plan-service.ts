// What the table must hold for one Service. Pure: from the Service, its slices and the node's own facts.
import type { Service, ServicePort } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { announcedAddresses } from '../../api/core/announced-addresses.ts';
import { contains, familyOf, isRange, isRoutable } from '../addresses.ts';
import {
  concat,
  type Element,
  goto,
  inRange,
  match,
  meta,
  type OwnSet,
  type Plan,
  payload,
  type Rule,
  type SharedName,
} from '../nftables/rule-set.ts';
import { chooseEndpoints, type EndpointChoice, type UsableEndpoint } from './endpoints.ts';

export interface NodeFacts {
  readonly nodeName: string;
  /** This node's pod range. */
  readonly podCidr: string;
  readonly isLeaving?: (podKey: string) => boolean;
}

/** Names go into rules, so what the API would not have let in is left out. */
const safeName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const protocols = new Set(['tcp', 'udp', 'sctp']);
/** More endpoints than this are drawn from a map. */
const mostRules = 16;
const defaultAffinitySeconds = 10_800;

/** Plans the IPv4 side of the service; headless services and those that are only a name need no rules. */
export function planService(service: Service, slices: readonly EndpointSlice[], node: NodeFacts): Plan {
  const plan = new PlanBuilder();
  const { metadata, spec } = service;
  const isNamed = safeName.test(metadata.name) && safeName.test(metadata.namespace ?? '');
  const clusterIP = (spec?.clusterIPs ?? [spec?.clusterIP ?? '']).find((address) => familyOf(address) === 'IPv4');
  if (!isNamed || !spec || spec.type === 'ExternalName' || !clusterIP || !isRoutable(clusterIP)) return plan;
  for (const port of spec.ports ?? []) {
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    if (!protocols.has(protocol)) continue;
    const choice = chooseEndpoints(slices, {
      family: 'IPv4',
      portName: port.name ?? '',
      protocol: port.protocol ?? 'TCP',
      nodeName: node.nodeName,
      ...(node.isLeaving && { isLeaving: node.isLeaving }),
    });
    new PortPlanner(plan, service, port, protocol, choice, node).plan(clusterIP);
  }
  return plan;
}

class PlanBuilder implements Plan {
  readonly chains = new Map<string, readonly Rule[]>();
  readonly sets = new Map<string, OwnSet>();
  readonly elements: { in: SharedName; element: Element }[] = [];
  readonly udp: { address?: string; port: number; endpoints: string[] }[] = [];

  add(name: SharedName, key: readonly (string | number)[], target?: string): void {
    this.elements.push({ in: name, element: { key, ...(target && { target }) } });
  }
}

/** One port of one service. */
class PortPlanner {
  readonly #plan: PlanBuilder;
  readonly #service: Service;
  readonly #port: ServicePort;
  readonly #protocol: string;
  readonly #choice: EndpointChoice;
  readonly #node: NodeFacts;
  /** `default/web/tcp/80`: unique, since a service has each protocol and port once. */
  readonly #id: string;

  constructor(
    plan: PlanBuilder,
    service: Service,
    port: ServicePort,
    protocol: string,
    choice: EndpointChoice,
    node: NodeFacts,
  ) {
    this.#plan = plan;
    this.#service = service;
    this.#port = port;
    this.#protocol = protocol;
    this.#choice = choice;
    this.#node = node;
    this.#id = `${service.metadata.namespace}/${service.metadata.name}/${protocol}/${port.port}`;
  }

  plan(clusterIP: string): void {
    const spec = this.#service.spec!;
    this.#addAddress(clusterIP, spec.internalTrafficPolicy === 'Local' ? this.#local() : this.#everywhere());
    for (const address of (spec.externalIPs ?? []).filter(isUsableOutside)) this.#addAddress(address, this.#outside());
    if (spec.type === 'LoadBalancer') this.#planLoadBalancer();
    if (this.#port.nodePort) this.#addNodePort(this.#port.nodePort, this.#outside());
    for (const { address } of this.#choice.everywhere) {
      // A pod that reaches itself through its service would answer itself directly: masquerade.
      if (contains(this.#node.podCidr, address)) this.#plan.add('hairpin', [address, address]);
    }
  }

  #planLoadBalancer(): void {
    const ranges = (this.#service.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter(isRange);
    for (const { ip, ipMode } of this.#service.status?.loadBalancer?.ingress ?? []) {
      if (!ip || !isUsableOutside(ip) || ipMode === 'Proxy') continue;
      const target = this.#outside();
      this.#addAddress(ip, target && ranges.length > 0 ? this.#guarded(target, ranges) : target);
    }
    for (const address of announcedAddresses(this.#service)) this.#plan.add('announced', [address]);
  }

  #addAddress(address: string, target: string | undefined): void {
    const key = [address, this.#protocol, this.#port.port];
    this.#plan.add(target ? 'services' : 'refused', key, target ?? 'refuse');
    if (this.#protocol === 'udp') this.#addUdp({ address, port: this.#port.port });
  }

  #addNodePort(port: number, target: string | undefined): void {
    this.#plan.add(target ? 'node-ports' : 'refused-node-ports', [this.#protocol, port], target ?? 'refuse');
    if (this.#protocol === 'udp') this.#addUdp({ port });
  }

  #addUdp(flow: { address?: string; port: number }): void {
    this.#plan.udp.push({ ...flow, endpoints: this.#choice.everywhere.map(({ address }) => address) });
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
    if (this.#service.spec?.externalTrafficPolicy !== 'Local') return this.#everywhere();
    const everywhere = this.#everywhere();
    if (!everywhere) return undefined;
    const local = this.#local();
    const name = `ext/${this.#id}`;
    this.#plan.chains.set(name, [
      [match(payload('ip', 'saddr'), inRange(this.#node.podCidr)), goto(everywhere)],
      [match({ fib: { result: 'type', flags: ['saddr'] } }, 'local'), goto(everywhere)],
      local ? [goto(local)] : [{ drop: null }],
    ]);
    return name;
  }

  #guarded(target: string, ranges: readonly string[]): string {
    const name = `guard/${this.#id}`;
    const allowed = ranges.map((range): Rule => [match(payload('ip', 'saddr'), inRange(range)), goto(target)]);
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
      return [[isProtocol, { dnat: { family: 'ip', addr } }]];
    }
    return endpoints.map(({ address, port }, index) => {
      const left = endpoints.length - index;
      const draw = left > 1 ? [match(random(left), 0)] : [];
      return [isProtocol, ...draw, { dnat: { family: 'ip', addr: address, port } }];
    });
  }

  /** The endpoint the client had last, as long as it is one; else a random one, which is then remembered. */
  #sticky(endpoints: readonly UsableEndpoint[]): Rule[] {
    const seconds = this.#service.spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
    const client = payload('ip', 'saddr');
    const names: string[] = [];
    const again: Rule[] = [];
    for (const { address, port } of endpoints) {
      const name = `ep/${this.#id}/${address}/${port}`;
      // Named after its time too: a set's time can not be changed, only another set made.
      const seen = `seen/${seconds}/${this.#id}/${address}/${port}`;
      this.#plan.sets.set(seen, { type: 'ipv4_addr', timeoutSeconds: seconds });
      this.#plan.chains.set(name, [
        [{ set: { op: 'update', elem: client, set: `@${seen}` } }],
        [match(meta('l4proto'), this.#protocol), { dnat: { family: 'ip', addr: address, port } }],
      ]);
      names.push(name);
      again.push([match(client, `@${seen}`), goto(name)]);
    }
    const data = { set: names.map((name, index) => [index, goto(name)]) };
    return [...again, names.length === 1 ? [goto(names[0]!)] : [{ vmap: { key: random(names.length), data } }]];
  }
}

const random = (count: number) => ({ numgen: { mode: 'random', mod: count, offset: 0 } });
const isUsableOutside = (address: string) => familyOf(address) === 'IPv4' && isRoutable(address);
