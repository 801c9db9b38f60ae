// Whether a pod that was bound to this node may start on it: the scheduler has looked, but pods can be bound without it.
import type { Pod } from '../../../generated/core-v1.ts';
import { podResources } from '../../api/core/effective-resources.ts';
import { Quantity, quantityOf } from '../../api/meta/quantity.ts';

export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

export interface NodeRoom {
  readonly nodeName: string;
  readonly allocatable: Readonly<Record<string, string>>;
}

/** What keeps `pod` from this node beside the pods that are there; undefined when nothing does. */
export function rejectionOf(pod: Pod, others: readonly Pod[], node: NodeRoom): Rejection | undefined {
  const os = pod.spec.os?.name;
  if (os && os !== 'linux')
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
  return lacking(pod, others, node) ?? portTaken(pod, others);
}

/** Why a pod that runs here may not have what it asks for now. */
export interface ResizeProblem {
  readonly reason: 'Deferred' | 'Infeasible';
  readonly message: string;
}

/** What the node has to say to a pod. */
export interface PodAdmission {
  /** It may not start here. */
  readonly rejection?: Rejection | undefined;
  /** Why it may not have what it asks for now. */
  readonly resizeProblem?: (pod: Pod) => ResizeProblem | undefined;
}

/** Never, when the node is too small for it alone; later, when others have the room. */
export function resizeProblemOf(pod: Pod, others: readonly Pod[], node: NodeRoom): ResizeProblem | undefined {
  for (const [name, asked] of podResources(pod.spec, 'requests')) {
    const capacity = node.allocatable[name];
    if (capacity === undefined || asked.compare(quantityOf(capacity)) <= 0) continue;
    const amounts = `requested: ${amountText(name, asked)}, capacity: ${amountText(name, quantityOf(capacity))}`;
    return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${name}, ${amounts}` };
  }
  const rejection = lacking(pod, others, node);
  return rejection && { reason: 'Deferred', message: rejection.message };
}

const amountText = (name: string, amount: Quantity) => String(name === 'cpu' ? amount.millis : amount.units);

/** The first resource of which there is not enough. Those the node does not name are others' to count. */
function lacking(pod: Pod, others: readonly Pod[], { allocatable }: NodeRoom): Rejection | undefined {
  const one = quantityOf('1');
  const wanted = new Map([['pods', one], ...podResources(pod.spec, 'requests')]);
  for (const [name, asked] of wanted) {
    const capacity = allocatable[name];
    if (capacity === undefined || asked.isZero) continue;
    const used = others
      .map(({ spec }) => (name === 'pods' ? one : podResources(spec, 'requests').get(name)))
      .reduce<Quantity>((sum, each) => (each ? sum.plus(each) : sum), Quantity.zero);
    if (used.plus(asked).compare(quantityOf(capacity)) <= 0) continue;
    const [need, have, room] = [asked, used, quantityOf(capacity)].map((amount) => amountText(name, amount));
    const amounts = `requested: ${need}, used: ${have}, capacity: ${room}`;
    return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, ${amounts}` };
  }
  return undefined;
}

interface HostPort {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

function portTaken(pod: Pod, others: readonly Pod[]): Rejection | undefined {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return undefined;
  const taken = others.flatMap(hostPorts);
  if (!wanted.some((mine) => taken.some((theirs) => clash(mine, theirs)))) return undefined;
  const why = "node(s) didn't have free ports for the requested pod ports";
  return { reason: 'NodePorts', message: `Predicate NodePorts failed: ${why}` };
}

/** Of containers that run side by side; an init container's port is free again when the next one starts. */
function hostPorts({ spec }: Pod): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always');
  return [...spec.containers, ...sidecars]
    .flatMap((container) => container.ports ?? [])
    .filter((port) => port.hostPort)
    .map((port) => ({ protocol: port.protocol ?? 'TCP', address: port.hostIP || '0.0.0.0', port: port.hostPort! }));
}

function clash(one: HostPort, other: HostPort): boolean {
  const isSameAddress = one.address === other.address || [one.address, other.address].includes('0.0.0.0');
  return isSameAddress && one.port === other.port && one.protocol === other.protocol;
}
