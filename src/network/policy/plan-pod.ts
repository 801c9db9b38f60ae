// What a pod adds to the table: as one that policies are about, on its own node, and as the other side of rules, anywhere.
import type { Pod } from '../../../generated/core-v1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import type { Labels } from '../../api/meta/labels.ts';
import { matchesSelector } from '../../api/meta/labels.ts';
import { keyOf } from '../../api/meta/object.ts';
import { familyOf, type IpFamily } from '../addresses.ts';
import { jump, type Plan, type PlannedElement, type Rule } from '../nftables/rule-set.ts';
import { selfSet } from './base-rules.ts';
import { type CompiledPolicy, type Direction, type NamedPort, type Peers, policyChain } from './compile-policy.ts';
import { ownName } from './names.ts';

const directions: readonly Direction[] = ['ingress', 'egress'];

export const isAbout = (policy: CompiledPolicy, pod: Pod) =>
  policy.namespace === pod.metadata.namespace && matchesSelector(policy.pods, pod.metadata.labels);

/** Chains that hold a pod of this node to the policies about it. @param policies those of its namespace */
export function planIsolation(pod: Pod, addresses: readonly string[], policies: readonly CompiledPolicy[]): Plan {
  const about = policies.filter((policy) => isAbout(policy, pod));
  const chains = new Map<string, readonly Rule[]>();
  const elements: PlannedElement[] = [];
  for (const direction of directions) {
    const those = about.filter((policy) => policy.directions.has(direction));
    if (those.length === 0) continue;
    const chain = ownName('pod', keyOf(pod), direction);
    chains.set(chain, [...those.map(({ key }) => [jump(policyChain(key, direction))]), [{ drop: null }]]);
    for (const address of addresses) elements.push({ in: direction, element: { key: [address], target: chain } });
  }
  if (chains.size > 0)
    for (const address of addresses) elements.push({ in: selfSet, element: { key: [address, address] } });
  for (const { ownPorts } of about)
    for (const { set, port } of ownPorts) elements.push(...portElements(set, pod, addresses, port));
  return { chains, sets: new Map(), elements, udp: [] };
}

/** The pod's places in the sets of rules that let it in. */
export function planPeer(
  pod: Pod,
  addresses: readonly string[],
  namespaceLabels: Labels | undefined,
  peers: Iterable<Peers>,
): Plan {
  const elements: PlannedElement[] = [];
  for (const each of peers) {
    if (!matchesSelector(each.pods, pod.metadata.labels)) continue;
    if (
      each.namespaces ? !matchesSelector(each.namespaces, namespaceLabels) : each.namespace !== pod.metadata.namespace
    )
      continue;
    if (each.port) elements.push(...portElements(each.set, pod, addresses, each.port));
    else for (const address of addresses) elements.push({ in: each.set, element: { key: [address] } });
  }
  return { chains: new Map(), sets: new Map(), elements, udp: [] };
}

function portElements(
  set: string,
  { spec }: Pod,
  addresses: readonly string[],
  { name, protocol }: NamedPort,
): PlannedElement[] {
  const containers = [
    ...spec.containers,
    ...(spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always'),
  ];
  const numbers = containers
    .flatMap(({ ports }) => ports ?? [])
    .filter((port) => port.name === name && (port.protocol ?? 'TCP').toLowerCase() === protocol)
    .map(({ containerPort }) => containerPort);
  return numbers.flatMap((number) =>
    addresses.map((address) => ({ in: set, element: { key: [address, protocol, number] } })),
  );
}

/** Addresses of one family that are the pod's own and not its node's; none once it is over, when others may get them. */
export function addressesOf(pod: Pod, family: IpFamily): string[] {
  const { spec, status } = pod;
  if (spec.hostNetwork || isFinished(pod)) return [];
  const all = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP];
  return all.filter((ip): ip is string => ip !== undefined && familyOf(ip) === family);
}
