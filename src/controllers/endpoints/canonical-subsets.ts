// The order in which the ports of Endpoints stand, and how subsets that overlap are laid out: ports that the same addresses
// serve stand together, and nothing stands twice.
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../../../generated/core-v1.ts';
import type { EndpointPort as SlicePort } from '../../../generated/discovery-v1.ts';

const offset = 0x6c62272e07bb014262b821756295c58dn;
const prime = (1n << 88n) + 0x13bn;
const all = (1n << 128n) - 1n;

type Port = EndpointPort & SlicePort;

/** As Go prints them. */
const endpointsPort = ({ name = '', port, protocol = 'TCP', appProtocol }: Port) =>
  `(v1.EndpointPort){Name:(string)${name} Port:(int32)${port} ` +
  `Protocol:(v1.Protocol)${protocol} AppProtocol:(*string)${appProtocol ?? '<nil>'}}`;
const slicePort = ({ name = '', port, protocol = 'TCP', appProtocol }: Port) =>
  `(v1.EndpointPort){Name:(*string)${name} Protocol:(*v1.Protocol)${protocol} ` +
  `Port:(*int32)${port} AppProtocol:(*string)${appProtocol ?? '<nil>'}}`;

/** FNV-1a of 128 bits. */
function hashOf(text: string): bigint {
  let hash = offset;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * prime) & all;
  return hash;
}

/** Ports of Endpoints stand by the hash of what they are as upstream prints it: its order is no other. A new list. */
export const portsInOrder = (ports: readonly EndpointPort[]): EndpointPort[] => inOrder(ports, endpointsPort);

/** The same for the ports of a slice, which are printed otherwise. */
export const slicePortsInOrder = <P extends SlicePort>(ports: readonly P[]): P[] => inOrder(ports, slicePort);

function inOrder<P>(ports: readonly P[], print: (port: Port) => string): P[] {
  if (ports.length < 2) return [...ports];
  const hashes = new Map(ports.map((port) => [port, hashOf(print(port as Port))]));
  return [...ports].sort((a, b) => (hashes.get(a)! < hashes.get(b)! ? -1 : 1));
}

interface Known {
  readonly address: EndpointAddress;
  isReady: boolean;
}

/** New subsets; an address that is ready and not ready on one port is not ready. */
export function canonicalSubsets(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const byPort = new Map<string, { port: EndpointPort | undefined; known: Map<string, Known> }>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    for (const port of ports.length > 0 ? ports : [undefined]) {
      const id = port ? JSON.stringify([port.name, port.port, port.protocol, port.appProtocol]) : '';
      const { known } = getOrAdd(byPort, id, () => ({ port, known: new Map<string, Known>() }));
      for (const address of addresses) getOrAdd(known, keyOf(address), () => ({ address, isReady: true }));
      for (const address of notReadyAddresses)
        getOrAdd(known, keyOf(address), () => ({ address, isReady: false })).isReady = false;
    }
  }
  const groups = new Map<string, { known: Map<string, Known>; ports: EndpointPort[] }>();
  for (const { port, known } of byPort.values()) {
    const id = JSON.stringify([...known].map(([key, { isReady }]) => [key, isReady]).sort());
    const group = getOrAdd(groups, id, () => ({ known, ports: [] }));
    if (port) group.ports.push(port);
  }
  return [...groups.values()].map(({ known, ports }) => {
    const inOrder = [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
    return {
      addresses: inOrder.filter(({ isReady }) => isReady).map(({ address }) => address),
      notReadyAddresses: inOrder.filter(({ isReady }) => !isReady).map(({ address }) => address),
      ports: portsInOrder(ports),
    };
  });
}

const keyOf = ({ ip, targetRef }: EndpointAddress) => `${ip} ${targetRef?.uid ?? ''}`;

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
