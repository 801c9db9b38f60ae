import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from '../../../generated/core-v1.ts';
import { isReady } from '../shared/pod-state.ts';
import { portsInOrder } from './canonical-subsets.ts';
import { addressesOf, hostnameOf, isHeadless, type PortOfPod, portsOf, targetOf } from './service-pods.ts';

/** Endpoints objects hold no more; EndpointSlices are for those who need all. */
const maxAddresses = 1000;

interface PortEntry {
  readonly port: PortOfPod | undefined;
  readonly ready: Map<string, EndpointAddress>;
  readonly notReady: Map<string, EndpointAddress>;
}

/** The subsets of a Service's Endpoints: ports that the same addresses serve stand together. */
export function planSubsets(
  service: Service,
  pods: readonly Pod[],
): { subsets: EndpointSubset[]; isTruncated: boolean } {
  const publishesNotReady = service.spec?.publishNotReadyAddresses ?? false;
  const shown = pods.filter((pod) => publishesNotReady || !pod.metadata.deletionTimestamp);
  const kept = keepMost(shown);
  const entries = new Map<string, PortEntry>();
  for (const pod of kept) {
    const address = addressOf(service, pod);
    if (!address.ip) continue; // it has none of the family that the Service has first
    const ports =
      (service.spec?.ports ?? []).length > 0 ? portsOf(service, pod) : isHeadless(service) ? [undefined] : [];
    for (const port of ports) {
      const id = port ? `${port.name}/${port.protocol}/${port.port}` : '';
      const entry = entries.get(id) ?? { port, ready: new Map(), notReady: new Map() };
      entries.set(id, entry);
      (publishesNotReady || isReady(pod) ? entry.ready : entry.notReady).set(pod.metadata.uid ?? address.ip, address);
    }
  }
  return { subsets: groupByAddresses([...entries.values()]), isTruncated: kept.length < shown.length };
}

function keepMost(pods: readonly Pod[]): readonly Pod[] {
  if (pods.length <= maxAddresses) return pods;
  return [...pods].sort((a, b) => Number(isReady(b)) - Number(isReady(a))).slice(0, maxAddresses);
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const hostname = hostnameOf(service, pod);
  const nodeName = pod.spec?.nodeName;
  return {
    ip: addressesOf(pod, service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4')[0] ?? '',
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    targetRef: targetOf(pod),
  };
}

function groupByAddresses(entries: readonly PortEntry[]): EndpointSubset[] {
  const groups = new Map<string, { entry: PortEntry; ports: EndpointPort[] }>();
  for (const entry of entries) {
    const id = `${[...entry.ready.keys()].sort().join()}|${[...entry.notReady.keys()].sort().join()}`;
    const group = groups.get(id) ?? { entry, ports: [] };
    groups.set(id, group);
    if (entry.port) group.ports.push(portEntry(entry.port));
  }
  return [...groups.values()].map(({ entry, ports }) => ({
    ...(entry.ready.size > 0 ? { addresses: sorted(entry.ready) } : {}),
    ...(entry.notReady.size > 0 ? { notReadyAddresses: sorted(entry.notReady) } : {}),
    ...(ports.length > 0 ? { ports: portsInOrder(ports) } : {}),
  }));
}

function portEntry({ name, port, protocol, appProtocol }: PortOfPod): EndpointPort {
  return { ...(name ? { name } : {}), port, protocol, ...(appProtocol ? { appProtocol } : {}) };
}

const sorted = (addresses: ReadonlyMap<string, EndpointAddress>): EndpointAddress[] =>
  [...addresses.values()].sort((a, b) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0));
