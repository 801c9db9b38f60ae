// A NetworkPolicy as chains and sets. What the sets hold comes from pods, one by one (see plan-pod.ts), so that a pod that
// comes or goes changes elements alone.
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../../generated/networking-v1.ts';
import { formatIp, type IpRange, parseCidr } from '../../api/meta/ip-address.ts';
import type { Selector } from '../../api/meta/labels.ts';
import { keyOf } from '../../api/meta/object.ts';
import { selectorOf } from '../../api/meta/selectors.ts';
import type { IpFamily } from '../addresses.ts';
import {
  concat,
  type Expression,
  inRange,
  match,
  meta,
  type OwnSet,
  payload,
  type Rule,
} from '../nftables/rule-set.ts';
import { ownName } from './names.ts';

export type Direction = 'ingress' | 'egress';

/** A port that each pod may number differently. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: string;
}

/** Pods on the other side of a rule, whose addresses belong in a set. */
export interface Peers {
  readonly set: string;
  readonly namespace?: string;
  readonly namespaces?: Selector;
  readonly pods: Selector;
  /** The set holds address, protocol and this port's number. */
  readonly port?: NamedPort;
}

export interface CompiledPolicy {
  readonly key: string;
  readonly namespace: string;
  /** The pods it is about. */
  readonly pods: Selector;
  readonly directions: ReadonlySet<Direction>;
  readonly peers: readonly Peers[];
  /** Named ports of the pods it is about. */
  readonly ownPorts: readonly { readonly set: string; readonly port: NamedPort }[];
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
  readonly sets: ReadonlyMap<string, OwnSet>;
}

/** How a family's packets and addresses are called. */
export const namesOf = (family: IpFamily) =>
  family === 'IPv4'
    ? ({ packets: 'ip', address: 'ipv4_addr' } as const)
    : ({ packets: 'ip6', address: 'ipv6_addr' } as const);

const accept = { accept: null };
const sides = { ingress: 'saddr', egress: 'daddr' } as const;
const protocolAndPort = [meta('l4proto'), payload('th', 'dport')];

export const policyChain = (policy: string, direction: Direction) => ownName('policy', policy, direction);

/** What it asks of packets of one family. @throws Error for what no API would take */
export function compilePolicy(policy: NetworkPolicy, family: IpFamily): CompiledPolicy {
  const { policyTypes = [], ingress = [], egress = [] } = policy.spec;
  for (const type of policyTypes) if (!isDirection(type)) throw new Error(`"${type}" is no direction`);
  for (const { ports = [] } of [...ingress, ...egress]) ports.forEach(refuseUnreadable);
  return new PolicyCompiler(policy, family).compile();
}

interface RuleParts {
  readonly direction: Direction;
  readonly index: number;
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly NetworkPolicyPort[];
}

class PolicyCompiler {
  readonly #policy: NetworkPolicy;
  readonly #key: string;
  readonly #peers: Peers[] = [];
  readonly #ownPorts: { set: string; port: NamedPort }[] = [];
  readonly #sets = new Map<string, OwnSet>();
  readonly #family: IpFamily;
  readonly #addressSet: OwnSet;
  readonly #portSet: OwnSet;
  readonly #destination: Expression;

  constructor(policy: NetworkPolicy, family: IpFamily) {
    this.#policy = policy;
    const { packets, address } = namesOf(family);
    this.#family = family;
    this.#addressSet = { type: address };
    this.#portSet = { type: [address, 'inet_proto', 'inet_service'] };
    this.#destination = payload(packets, 'daddr');
    this.#key = keyOf(policy);
  }

  compile(): CompiledPolicy {
    const { spec, metadata } = this.#policy;
    const chains = new Map<string, readonly Rule[]>();
    const types = spec.policyTypes ?? ['Ingress'];
    const directions = new Set(types.map((type) => type.toLowerCase() as Direction));
    for (const direction of directions) chains.set(policyChain(this.#key, direction), this.#rules(direction));
    return {
      key: this.#key,
      namespace: metadata.namespace!,
      pods: selectorOf(spec.podSelector ?? {})!,
      directions,
      peers: this.#peers,
      ownPorts: this.#ownPorts,
      chains,
      sets: this.#sets,
    };
  }

  #rules(direction: Direction): Rule[] {
    const { ingress = [], egress = [] } = this.#policy.spec;
    const parts: RuleParts[] =
      direction === 'ingress'
        ? ingress.map(({ from = [], ports = [] }, index) => ({ direction, index, peers: from, ports }))
        : egress.map(({ to = [], ports = [] }, index) => ({ direction, index, peers: to, ports }));
    return parts.flatMap((rule) => this.#rule(rule));
  }

  #rule(rule: RuleParts): Rule[] {
    const from = this.#fromPeers(rule);
    if (rule.ports.length === 0) return from.map((matches) => [...matches, accept]);
    return rule.ports.flatMap((port, number) => {
      if (typeof port.port !== 'string') return from.map((matches) => [...matches, ...portMatches(port), accept]);
      const named = { name: port.port, protocol: protocolOf(port) };
      if (rule.direction === 'egress') return this.#peerPort(rule, number, named);
      const isPort = this.#ownPort(rule, number, named);
      return from.map((matches) => [...matches, isPort, accept]);
    });
  }

  /** One list of matches for each way a packet's other side can be let in; one empty list where everybody is. */
  #fromPeers(rule: RuleParts): Rule[] {
    if (rule.peers.length === 0) return [[]];
    const side = payload(namesOf(this.#family).packets, sides[rule.direction]);
    const found: Rule[] = [];
    const set = this.#name('peers', rule);
    const selected = rule.peers.filter(({ ipBlock }) => !ipBlock);
    if (selected.length > 0) {
      this.#sets.set(set, this.#addressSet);
      this.#peers.push(...selected.map((peer) => this.#peersOf(peer, set)));
      found.push([match(side, `@${set}`)]);
    }
    for (const { ipBlock } of rule.peers) if (ipBlock) found.push(...this.#blockMatches(side, ipBlock));
    return found;
  }

  /** The port of the pod that the packet goes to, which is one of ours. */
  #ownPort(rule: RuleParts, number: number, port: NamedPort): Expression {
    const set = this.#name('ports', rule, number);
    this.#sets.set(set, this.#portSet);
    this.#ownPorts.push({ set, port });
    return match(concat(this.#destination, ...protocolAndPort), `@${set}`);
  }

  /** The port of the pod on the other side; addresses outside the cluster have no names for theirs. */
  #peerPort(rule: RuleParts, number: number, port: NamedPort): Rule[] {
    const set = this.#name('ports', rule, number);
    const selected = rule.peers.filter(({ ipBlock }) => !ipBlock);
    if (selected.length === 0 && rule.peers.length > 0) return [];
    this.#sets.set(set, this.#portSet);
    if (selected.length === 0) this.#peers.push({ set, pods: [], namespaces: [], port });
    this.#peers.push(...selected.map((peer) => ({ ...this.#peersOf(peer, set), port })));
    return [[match(concat(this.#destination, ...protocolAndPort), `@${set}`), accept]];
  }

  #peersOf({ podSelector, namespaceSelector }: NetworkPolicyPeer, set: string): Peers {
    const pods = selectorOf(podSelector ?? {})!;
    const namespaces = selectorOf(namespaceSelector);
    return namespaces ? { set, pods, namespaces } : { set, pods, namespace: this.#policy.metadata.namespace! };
  }

  /** Ranges of the other family, which no packet here comes from, lead nowhere. */
  #blockMatches(side: Expression, { cidr, except = [] }: IPBlock): Rule[] {
    const [whole, ...parts] = [cidr, ...except].map(readRange);
    if (!whole || !this.#isOwn(whole)) return [];
    const own = parts.filter((part) => this.#isOwn(part));
    if (own.some(({ prefix }) => prefix === 0)) return [];
    // All there is is no match at all.
    const within = whole.prefix === 0 ? [] : [match(side, written(whole))];
    return [[...within, ...own.map((part) => match(side, written(part), '!='))]];
  }

  #isOwn({ family }: IpRange): boolean {
    return family === (this.#family === 'IPv4' ? 4 : 6);
  }

  #name(what: string, { direction, index }: RuleParts, port?: number): string {
    const place = port === undefined ? `${direction}/${index}` : `${direction}/${index}/${port}`;
    return ownName(what, this.#key, place);
  }
}

/** In any spelling that the API takes: what it leaves out would else be let in. */
function readRange(cidr: string): IpRange {
  const range = parseCidr(cidr);
  if (!range) throw new Error(`"${cidr}" is no range of addresses`);
  return range;
}

const written = ({ family, start, prefix }: IpRange) => inRange(`${formatIp({ family, bits: start })}/${prefix}`);

const isDirection = (type: string) => type === 'Ingress' || type === 'Egress';
const isPort = (port: number) => Number.isInteger(port) && port > 0 && port < 65_536;

function refuseUnreadable(port: NetworkPolicyPort): void {
  const { port: from, endPort: to } = port;
  if (!['tcp', 'udp', 'sctp'].includes(protocolOf(port))) throw new Error(`"${port.protocol}" is no protocol`);
  if (typeof from === 'number' && !isPort(from)) throw new Error(`${from} is no port`);
  if (to !== undefined && !(isPort(to) && Number(from) <= to)) throw new Error(`${from} to ${to} is no range of ports`);
}

const protocolOf = ({ protocol }: NetworkPolicyPort) => (protocol ?? 'TCP').toLowerCase();

function portMatches(port: NetworkPolicyPort): Expression[] {
  const isProtocol = match(meta('l4proto'), protocolOf(port));
  if (port.port === undefined) return [isProtocol];
  const right = port.endPort === undefined ? port.port : { range: [port.port, port.endPort] };
  return [isProtocol, match(payload('th', 'dport'), right)];
}
