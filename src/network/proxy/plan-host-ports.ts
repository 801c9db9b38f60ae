// Host ports of one pod: the node's own ports that lead to it.
import type { Pod } from '../../../generated/core-v1.ts';
import { isFinished } from '../../api/core/pod-phase.ts';
import { familyOf, type IpFamily, isRoutable } from '../addresses.ts';
import { type Element, emptyPlan, match, meta, type Plan, type Rule } from '../nftables/rule-set.ts';
import { packetsOf } from './base-rules.ts';

/** Plans a pod that has its address; pods on the host's network listen by themselves. */
export function planHostPorts(pod: Pod, family: IpFamily = 'IPv4'): Plan {
  const address = (pod.status?.podIPs?.map(({ ip }) => ip) ?? [pod.status?.podIP]).find(
    (ip) => ip && familyOf(ip) === family && isRoutable(ip),
  );
  if (!address || isFinished(pod) || pod.spec?.hostNetwork || !pod.metadata.uid) return emptyPlan;
  const chains = new Map<string, readonly Rule[]>();
  const elements: { in: string; element: Element }[] = [];
  const udp: { address?: string; port: number; endpoints: string[] }[] = [];
  for (const port of containerPorts(pod)) {
    if (!port.hostPort) continue;
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    const isEverywhere = !port.hostIP || port.hostIP === '0.0.0.0' || port.hostIP === '::';
    if (port.hostIP && familyOf(port.hostIP) !== family) continue;
    const target = `host/${pod.metadata.uid}/${protocol}/${port.containerPort}`;
    const dnat = { family: packetsOf(family), addr: address, port: port.containerPort };
    chains.set(target, [[match(meta('l4proto'), protocol), { dnat }]]);
    elements.push(
      isEverywhere
        ? { in: 'host-ports', element: { key: [protocol, port.hostPort], target } }
        : { in: 'host-ports-by-address', element: { key: [port.hostIP!, protocol, port.hostPort], target } },
    );
    if (protocol === 'udp') udp.push({ port: port.hostPort, endpoints: [`${address} ${port.containerPort}`] });
  }
  if (elements.length > 0) elements.push({ in: 'hairpin', element: { key: [address, address] } });
  return { chains, sets: new Map(), elements, udp };
}

function containerPorts(pod: Pod) {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap(({ ports }) => ports ?? []);
}
