// What the table holds before there is any service: hooks into the kernel, the maps they look up, masquerading. Each
// packet of a new connection costs a few lookups, however many services there are.
import { type Command, emptyTable } from '../nftables/nft.ts';
import { concat, inRange, jump, match, meta, payload, type Rule, type SharedName } from '../nftables/rule-set.ts';

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

const address = 'ipv4_addr';
const sharedTypes: Record<SharedName, { readonly type: readonly string[]; readonly isMap: boolean }> = {
  services: { type: [address, 'inet_proto', 'inet_service'], isMap: true },
  'node-ports': { type: ['inet_proto', 'inet_service'], isMap: true },
  'host-ports': { type: ['inet_proto', 'inet_service'], isMap: true },
  'host-ports-by-address': { type: [address, 'inet_proto', 'inet_service'], isMap: true },
  refused: { type: [address, 'inet_proto', 'inet_service'], isMap: true },
  'refused-node-ports': { type: ['inet_proto', 'inet_service'], isMap: true },
  announced: { type: [address], isMap: false },
  hairpin: { type: [address, address], isMap: false },
};

const destination = payload('ip', 'daddr');
const source = payload('ip', 'saddr');
const protocol = meta('l4proto');
const port = payload('th', 'dport');
const toThisNode = match({ fib: { result: 'type', flags: ['daddr'] } }, 'local');
const isNew = match({ ct: { key: 'state' } }, 'new', 'in');
const wasRedirected = match({ ct: { key: 'status' } }, 'dnat', 'in');
const masquerade = { masquerade: null };
const lookUp = (map: SharedName, ...key: readonly unknown[]) => ({ vmap: { key: concat(...key), data: `@${map}` } });

interface BaseChain {
  readonly name: string;
  readonly hook?: { readonly type: string; readonly hook: string; readonly prio: number };
  readonly rules: readonly Rule[];
}

function baseChains(options: TableOptions): BaseChain[] {
  const nat = (hook: string, prio: number) => ({ type: 'nat', hook, prio });
  const filter = (hook: string, prio: number) => ({ type: 'filter', hook, prio });
  return [
    { name: 'refuse', rules: [[{ reject: null }]] },
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
        [match(destination, inRange(options.serviceCidr)), { reject: null }],
      ],
    },
    // The node's loopback is reached through host ports from the node alone (see masqueraded sources below).
    {
      name: 'guard-loopback',
      hook: filter('prerouting', -300),
      rules: [[match(meta('iifname'), options.bridge), match(destination, inRange('127.0.0.0/8')), { drop: null }]],
    },
    { name: 'from-pods-and-outside', hook: nat('prerouting', -100), rules: [[jump('find-service')]] },
    { name: 'from-this-node', hook: nat('output', -100), rules: [[jump('find-service')]] },
    // Before routing: in the forward hook the kernel would send a redirect first, which uses up the right to say no.
    { name: 'refuse-arriving', hook: filter('prerouting', -90), rules: [[isNew, jump('refuse-service')]] },
    { name: 'refuse-from-node', hook: filter('output', -90), rules: [[isNew, jump('refuse-service')]] },
    // Pods of one bridge meet by way of the node, and need not be told of the shorter one.
    {
      name: 'no-redirects',
      hook: filter('output', 0),
      rules: [[match(payload('icmp', 'type'), 'redirect'), match(meta('oifname'), options.bridge), { drop: null }]],
    },
    { name: 'leave', hook: nat('postrouting', 100), rules: masqueradeRules(options) },
  ];
}

function masqueradeRules(options: TableOptions): Rule[] {
  const { bridge, podCidr, clusterPodCidr } = options;
  const fromPod = match(source, inRange(podCidr));
  const elsewhere = match(meta('oifname'), bridge, '!=');
  return [
    // A pod that reaches itself through a service.
    [{ match: { op: '==', left: concat(source, destination), right: '@hairpin' } }, masquerade],
    // localhost:PORT of the node.
    [match(source, inRange('127.0.0.0/8')), match(meta('oifname'), bridge), masquerade],
    // Pods to the world outside the cluster.
    [fromPod, match(destination, inRange(clusterPodCidr), '!='), elsewhere, masquerade],
    // From outside by way of this node to another: the answer must come back through here. Others redirect on this machine
    // too (clusters, docker), and what they send elsewhere keeps its source.
    ...ofOurServices(options).map((isOurs) => [
      wasRedirected,
      ...isOurs,
      match(source, inRange(clusterPodCidr), '!='),
      match({ fib: { result: 'type', flags: ['saddr'] } }, 'local', '!='),
      elsewhere,
      masquerade,
    ]),
  ];
}

/** What a redirected packet of ours has: it goes to a pod of the cluster, or was meant for an address or port of services. */
function ofOurServices({ clusterPodCidr, serviceCidr }: TableOptions): Rule[] {
  const meantFor = (key: string) => ({ ct: { key, dir: 'original' } });
  const nodePorts = match(meantFor('proto-dst'), { range: [30_000, 32_767] });
  return [
    [match(destination, inRange(clusterPodCidr))],
    [match(meantFor('ip daddr'), inRange(serviceCidr))],
    [match(meantFor('ip daddr'), '@announced')],
    // One by one: of several protocols at once nft does not know how their ports are written.
    ...['tcp', 'udp', 'sctp'].map((each) => [match(protocol, each), nodePorts]),
  ];
}

/** In the bridge's own path: what pods send each other goes to the node, which routes it. */
function planRoutedBridge({ table, podCidr, bridgeMac }: TableOptions): Command[] {
  const at = { family: 'bridge', table };
  const expr = [
    match(destination, inRange(podCidr)),
    match(meta('pkttype'), 'other'),
    { mangle: { key: payload('ether', 'daddr'), value: bridgeMac } },
    { mangle: { key: meta('pkttype'), value: 'host' } },
  ];
  const hook = { type: 'filter', hook: 'prerouting', prio: -300, policy: 'accept' };
  return [
    ...emptyTable('bridge', table),
    { add: { chain: { ...at, name: 'to-the-node', ...hook } } },
    { add: { rule: { ...at, chain: 'to-the-node', expr } } },
  ];
}

/** Commands that replace whatever the table holds by its fixed part, when sent as one transaction. */
export function planBase(options: TableOptions): Command[] {
  const at = { family: 'ip', table: options.table };
  const chains = baseChains(options);
  return [
    ...planRoutedBridge(options),
    ...emptyTable('ip', options.table),
    ...chains.map(({ name, hook }) => ({
      add: { chain: { ...at, name, ...(hook && { ...hook, policy: 'accept' }) } },
    })),
    ...Object.entries(sharedTypes).map(([name, { type, isMap }]) => ({
      add: isMap ? { map: { ...at, name, type, map: 'verdict' } } : { set: { ...at, name, type } },
    })),
    ...chains.flatMap(({ name, rules }) => rules.map((expr) => ({ add: { rule: { ...at, chain: name, expr } } }))),
  ];
}
