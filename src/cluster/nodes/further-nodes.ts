// Which further nodes a cluster on this machine has: their names and addresses, decided when they are made.
import { networkInterfaces } from 'node:os';
import { addressAt, rangesIn } from '../../network/addresses.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import { doOverlap } from '../settings/service-range.ts';

export interface FurtherNode {
  readonly name: string;
  readonly address: string;
}

/** The part of a cluster's settings that says which nodes it has. */
export interface NodeSettings {
  /** The cluster's. */
  readonly name: string;
  /** The first node: this machine. */
  readonly nodeName: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** Real nodes on this machine beside the first, each in a network namespace. */
  readonly furtherNodes?: readonly FurtherNode[];
  /** Their addresses; the machine has the first of the range. */
  readonly nodeCidr?: string;
}

/** The settings with so many real nodes in all. @throws UserFailure when there are more already */
export function withNodeCount<S extends NodeSettings>(settings: S, count: number, slot: number): S {
  const further = settings.furtherNodes ?? [];
  if (count < further.length + 1) {
    throw new UserFailure(
      exitCodes.conflict,
      'E_OTHER_SETTINGS',
      `cluster "${settings.name}" has ${further.length + 1} nodes, not ${count}`,
      `take one away: coracle node delete ${further.at(-1)?.name} --name ${settings.name}`,
    );
  }
  let next = settings;
  while ((next.furtherNodes ?? []).length + 1 < count) next = withNode(next, slot);
  return next;
}

/** The settings with one node more. @throws UserFailure for a name that is taken or no name */
export function withNode<S extends NodeSettings>(settings: S, slot: number, name = freeName(settings)): S {
  const further = settings.furtherNodes ?? [];
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    const remedy = 'use lower-case letters, digits and dashes, at most 40';
    throw new UserFailure(exitCodes.usage, 'E_NODE_NAME', `"${name}" is no name for a node`, remedy);
  }
  if (name === settings.nodeName || further.some((each) => each.name === name)) {
    const remedy = `see them: coracle node list --name ${settings.name}`;
    throw new UserFailure(exitCodes.conflict, 'E_NODE_EXISTS', `there is a node "${name}" already`, remedy);
  }
  const nodeCidr = settings.nodeCidr ?? freeNodeCidr(settings, slot);
  return { ...settings, nodeCidr, furtherNodes: [...further, { name, address: freeAddress(further, nodeCidr) }] };
}

/** A machine without an address of its own is known to its further nodes by the one it has among them. */
export function withMachineAddress<S extends NodeSettings & { readonly address: string }>(settings: S): S {
  const { furtherNodes = [], nodeCidr, address } = settings;
  if (furtherNodes.length === 0 || !nodeCidr || !address.startsWith('127.')) return settings;
  return { ...settings, address: addressAt(nodeCidr, 1) };
}

export function withoutNode<S extends NodeSettings>(settings: S, name: string): S {
  return { ...settings, furtherNodes: (settings.furtherNodes ?? []).filter((each) => each.name !== name) };
}

function freeName({ nodeName, furtherNodes = [] }: NodeSettings): string {
  for (let number = 2; ; number++) {
    const name = `${nodeName}-${number}`;
    if (!furtherNodes.some((each) => each.name === name)) return name;
  }
}

/** The machine has the first address of the range, so the first node the second. */
function freeAddress(further: readonly FurtherNode[], nodeCidr: string): string {
  for (let offset = 2; offset < 255; offset++) {
    const address = addressAt(nodeCidr, offset);
    if (!further.some((each) => each.address === address)) return address;
  }
  throw new UserFailure(
    exitCodes.conflict,
    'E_TOO_MANY_NODES',
    `no address is left in ${nodeCidr}`,
    'delete a node: coracle node delete NAME',
  );
}

/** A range that neither this machine nor the cluster's pods and Services have. */
function freeNodeCidr({ podCidr, serviceCidr }: NodeSettings, slot: number): string {
  const own = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).flatMap(({ cidr }) => cidr ?? []));
  const taken = [...rangesIn(podCidr), ...rangesIn(serviceCidr), ...own];
  const candidates = [`10.${64 + slot}.0.0/24`, `172.30.${slot}.0/24`, `192.168.${200 + slot}.0/24`];
  const free = candidates.find((cidr) => !taken.some((each) => doOverlap(cidr, each)));
  if (free) return free;
  throw new UserFailure(
    exitCodes.conflict,
    'E_NO_NODE_RANGE',
    `this machine is on ${candidates.join(', ')} already: no range is left for nodes`,
    'use one node: coracle up --nodes 1',
  );
}
