// What a table of one family holds before there is any service: hooks into the kernel, the maps they look up, masquerading.
// Each packet of a new connection costs a few lookups, however many services there are.
import { familyOfRange, type IpFamily, rangeOf, rangesIn } from '../addresses.ts';
import { type Command, emptyTable } from '../nftables/nft.ts';
import {
  concat,
  type Expression,
  goto,
  inRange,
  jump,
  match,
  meta,
  type PacketFamily,
  payload,
  type Rule,
} from '../nftables/rule-set.ts';

/** Ranges are lists: one, or one of each family with a comma between. */
export interface TableOptions {
  /** `coracle-NAME`. */
  readonly table: string;
  readonly bridge: string;
  /** This node's pod range, and the whole cluster's. */
  readonly podCidr: string;
  readonly clusterPodCidr: string;
  readonly serviceCidr: string;
  /** The bridge's own address: frames between its pods are sent there, so that they pass the node's rules. */
  readonly bridgeMac: string;
}

export const tableName = (clusterName: string) => `coracle-${clusterName}`;

export const packetsOf = (family: IpFamily): PacketFamily => (family === 'IPv4' ? 'ip' : 'ip6');
export const addressType = (family: IpFamily) => (family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr');

/** Services with at most so many endpoints are led by maps that all of them share: a change is a map's element. */
export const mostShared = 16;

/** Where the maps of what is refused lead: the client is told at once, or never. */
export const refuseChain = 'refuse';
export const discardChain = 'discard';

/** The chain that draws one of so many. */
export const spreadChain = (count: number) => `spread/${count}`;
/** For the service's address, protocol and port: where its n-th endpoint is. */
export const endpointMap = (index: number) => `endpoint-${index}`;
/** For the same: the port of all of them. */
export const endpointPorts = 'endpoint-ports';

interface SharedSet {
  readonly type: readonly string[];
  /** What elements lead to; absent: it is a set. */
  readonly map?: string;
}

function sharedSets(family: IpFamily): ReadonlyMap<string, SharedSet> {
  const address = addressType(family);
  const place = [address, 'inet_proto', 'inet_service'];
  const portOnly = ['inet_proto', 'inet_service'];
  return new Map<string, SharedSet>([
    ['services', { type: place, map: 'verdict' }],
    ['node-ports', { type: portOnly, map: 'verdict' }],
    ['host-ports', { type: portOnly, map: 'verdict' }],
    ['host-ports-by-address', { type: place, map: 'verdict' }],
    ['refused', { type: place, map: 'verdict' }],
    ['refused-node-ports', { type: portOnly, map: 'verdict' }],
    ['announced', { type: [address] }],
    ['outside', { type: [address] }],
    ['keeps-source', { type: [address] }],
    ['hairpin', { type: [address, address] }],
    [endpointPorts, { type: place, map: 'inet_service' }],
    ...Array.from({ length: mostShared }, (_, index) => [endpointMap(index), { type: place, map: address }] as const),
  ]);
}

const protocol = meta('l4proto');
const port = payload('th', 'dport');
const toThisNode = match({ fib: { result: 'type', flags: ['daddr'] } }, 'local');
const isNew = match({ ct: { key: 'state' } }, 'new', 'in');
const wasRedirected = match({ ct: { key: 'status' } }, 'dnat', 'in');
const masquerade = { masquerade: null };
const lookUp = (map: string, ...key: readonly unknown[]) => ({ vmap: { key: concat(...key), data: `@${map}` } });

interface BaseChain {
  readonly name: string;
  readonly hook?: { readonly type: string; readonly hook: string; readonly prio: number };
  readonly rules: readonly Rule[];
}

/** A table's view of its family. */
interface FamilyParts extends Pick<TableOptions, 'bridge' | 'podCidr' | 'clusterPodCidr' | 'serviceCidr'> {
  readonly family: IpFamily;
  readonly source: Expression;
  readonly destination: Expression;
  readonly loopback: string;
}

const nat = (hook: string, prio: number) => ({ type: 'nat', hook, prio });
const filter = (hook: string, prio: number) => ({ type: 'filter', hook, prio });

function baseChains(parts: FamilyParts): BaseChain[] {
  const { destination, bridge, loopback } = parts;
  return [
    { name: refuseChain, rules: [[{ reject: null }]] },
    { name: discardChain, rules: [[{ drop: null }]] },
    ...sharedChains(parts),
    {
      name: 'find-service',
      rules: [
        [lookUp('services', destination, protocol, port)],
        [toThisNode, lookUp('node-ports', protocol, port)],
        [toThisNode, lookUp('host-ports-by-address', destination, protocol, port)],
        [toThisNode, lookUp('host-ports', protocol, port)],
      ],
    },
    {
      name: 'refuse-service',
      rules: [
        [lookUp('refused', destination, protocol, port)],
        [toThisNode, lookUp('refused-node-ports', protocol, port)],
        // The address of a load balancer has the ports of its Service, and none of this machine's.
        [match(destination, '@announced'), match(protocol, { set: ['tcp', 'udp', 'sctp'] }), { reject: null }],
        // What was meant for a service and is none, or not on this port, must not wander off.
        [match(destination, inRange(parts.serviceCidr)), { reject: null }],
      ],
    },
    // The node's loopback is reached through host ports from the node alone (see masqueraded sources below).
    {
      name: 'guard-loopback',
      hook: filter('prerouting', -300),
      rules: [[match(meta('iifname'), bridge), match(destination, inRange(loopback)), { drop: null }]],
    },
    { name: 'from-pods-and-outside', hook: nat('prerouting', -100), rules: [[jump('find-service')]] },
    { name: 'from-this-node', hook: nat('output', -100), rules: fromThisNode(parts) },
    // Before routing: in the forward hook the kernel would send a redirect first, which uses up the right to say no.
    { name: 'refuse-arriving', hook: filter('prerouting', -90), rules: [[isNew, jump('refuse-service')]] },
    { name: 'refuse-from-node', hook: filter('output', -90), rules: [[isNew, jump('refuse-service')]] },
    // Pods of one bridge meet by way of the node, and need not be told of the shorter one.
    {
      name: 'no-redirects',
      hook: filter('output', 0),
      rules: [[isRedirect(parts.family), match(meta('oifname'), bridge), { drop: null }]],
    },
    { name: 'leave', hook: nat('postrouting', 100), rules: masqueradeRules(parts) },
  ];
}

const isRedirect = (family: IpFamily) =>
  family === 'IPv4' ? match(payload('icmp', 'type'), 'redirect') : match(payload('icmpv6', 'type'), 'nd-redirect');

/** The kernel routes nothing from ::1 elsewhere: there, localhost has no node ports. */
function fromThisNode({ family, destination, loopback }: FamilyParts): Rule[] {
  const guard: Rule[] = family === 'IPv6' ? [[match(destination, inRange(loopback)), { return: null }]] : [];
  return [...guard, [jump('find-service')]];
}

/** One chain for each number of endpoints, which draws one of them; and for each of them one that leads there. */
function sharedChains({ family, destination }: FamilyParts): BaseChain[] {
  const key = concat(destination, protocol, port);
  const at = (map: string) => ({ map: { key, data: `@${map}` } });
  const pick = (index: number) => `endpoint/${index}`;
  const indexes = Array.from({ length: mostShared }, (_, index) => index);
  const spread = indexes.map((last): Rule => {
    if (last === 0) return [goto(pick(0))];
    const data = { set: indexes.slice(0, last + 1).map((index) => [index, goto(pick(index))]) };
    return [{ vmap: { key: { numgen: { mode: 'random', mod: last + 1, offset: 0 } }, data } }];
  });
  return [
    ...indexes.map((index) => ({
      name: pick(index),
      rules: [[{ dnat: { family: packetsOf(family), addr: at(endpointMap(index)), port: at(endpointPorts) } }]],
    })),
    ...spread.map((rule, last) => ({ name: spreadChain(last + 1), rules: [rule] })),
  ];
}

function masqueradeRules(parts: FamilyParts): Rule[] {
  const { bridge, podCidr, clusterPodCidr, source, destination, loopback } = parts;
  const elsewhere = match(meta('oifname'), bridge, '!=');
  return [
    // A pod that reaches itself through a service.
    [{ match: { op: '==', left: concat(source, destination), right: '@hairpin' } }, masquerade],
    // localhost:PORT of the node.
    [match(source, inRange(loopback)), match(meta('oifname'), bridge), masquerade],
    // This node itself, to a load balancer whose address it has: other nodes have it, too.
    [wasRedirected, match(source, '@announced'), masquerade],
    // Pods to the world outside the cluster.
    [match(source, inRange(podCidr)), match(destination, inRange(clusterPodCidr), '!='), elsewhere, masquerade],
    // To further nodes of this machine, which answer through it, where a Service has the Local policy.
    [wasRedirected, match(destination, '@keeps-source'), { return: null }],
    // From elsewhere by way of this node to another: the answer must come back through here. Others redirect on this machine
    // too (clusters, docker), and what they send elsewhere keeps its source.
    ...[inRange(clusterPodCidr), '@outside'].map((endpoints) => [
      wasRedirected,
      match(destination, endpoints),
      match(source, inRange(podCidr), '!='),
      match({ fib: { result: 'type', flags: ['saddr'] } }, 'local', '!='),
      elsewhere,
      masquerade,
    ]),
  ];
}

/** In the bridge's own path: what pods send each other goes to the node, which routes it. */
function planRoutedBridge({ table, podCidr, bridgeMac }: TableOptions): Command[] {
  const at = { family: 'bridge', table };
  const hook = { type: 'filter', hook: 'prerouting', prio: -300, policy: 'accept' };
  // Neighbours look for each other without a router in between, and believe nothing that came through one.
  const discovery = { set: ['nd-neighbor-solicit', 'nd-neighbor-advert', 'nd-router-solicit', 'nd-router-advert'] };
  const toTheNode = rangesIn(podCidr).map((range) => [
    match(payload(packetsOf(familyOfRange(range)!), 'daddr'), inRange(range)),
    match(meta('pkttype'), 'other'),
    { mangle: { key: payload('ether', 'daddr'), value: bridgeMac } },
    { mangle: { key: meta('pkttype'), value: 'host' } },
  ]);
  const rules = [
    ...(rangeOf(podCidr, 'IPv6') ? [[match(payload('icmpv6', 'type'), discovery), { accept: null }]] : []),
    ...toTheNode,
  ];
  return [
    ...emptyTable('bridge', table),
    { add: { chain: { ...at, name: 'to-the-node', ...hook } } },
    ...rules.map((expr) => ({ add: { rule: { ...at, chain: 'to-the-node', expr } } })),
  ];
}

/** Families that both pods and services have addresses of, the usual one first. */
export function servedFamilies({ podCidr, serviceCidr }: Pick<TableOptions, 'podCidr' | 'serviceCidr'>): IpFamily[] {
  return rangesIn(podCidr)
    .map((range) => familyOfRange(range)!)
    .filter((family) => rangeOf(serviceCidr, family) && family);
}

/**
 * Commands that replace whatever the table of that family holds by its fixed part, when sent as one transaction; for the
 * usual family the bridge's table too.
 */
export function planBase(options: TableOptions, family: IpFamily): Command[] {
  const packets = packetsOf(family);
  const at = { family: packets, table: options.table };
  const chains = baseChains({
    family,
    bridge: options.bridge,
    podCidr: rangeOf(options.podCidr, family)!,
    clusterPodCidr: rangeOf(options.clusterPodCidr, family)!,
    serviceCidr: rangeOf(options.serviceCidr, family)!,
    source: payload(packets, 'saddr'),
    destination: payload(packets, 'daddr'),
    loopback: family === 'IPv4' ? '127.0.0.0/8' : '::1/128',
  });
  return [
    ...(family === servedFamilies(options)[0] ? planRoutedBridge(options) : []),
    ...emptyTable(packets, options.table),
    ...chains.map(({ name, hook }) => ({
      add: { chain: { ...at, name, ...(hook && { ...hook, policy: 'accept' }) } },
    })),
    ...[...sharedSets(family)].map(([name, { type, map }]) => {
      // A list of one is another type for nft, as long as the kernel has not told it better.
      const definition = { ...at, name, type: type.length === 1 ? type[0] : type };
      return { add: map ? { map: { ...definition, map } } : { set: definition } };
    }),
    ...chains.flatMap(({ name, rules }) => rules.map((expr) => ({ add: { rule: { ...at, chain: name, expr } } }))),
  ];
}
