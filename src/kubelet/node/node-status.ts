// A node's status: pure, from the machine, the runtime and what is scarce.
import type {
  ContainerImage,
  NodeAddress,
  NodeCondition,
  NodeRuntimeHandler,
  NodeStatus,
} from '../../../generated/core-v1.ts';
import { declaredFeatures } from '../../api/core/declared-features.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { ImageInfo, RuntimeCondition, RuntimeFeatures } from '../runtime/runtime.ts';
import type { Machine } from './node-facts.ts';
import type { NodeResources } from './node-resources.ts';

export interface Pressure {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pids: boolean;
}

/** Devices by resource, as quantities. */
export interface DeviceCounts {
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
}

/** A condition that says what is wrong with the machine, or that nothing is. */
export interface NodeFinding {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface NodeStatusInput {
  readonly machine: Machine;
  readonly addresses: readonly NodeAddress[];
  readonly port: number;
  readonly resources: NodeResources;
  /** `containerd://1.6.20`. */
  readonly runtimeVersion: string;
  /** Why the node is not ready; empty when it is. */
  readonly problems: readonly string[];
  readonly pressure: Pressure;
  readonly findings?: readonly NodeFinding[];
  readonly features?: RuntimeFeatures;
  readonly images: readonly ImageInfo[];
  /** Below zero: all of them. Default 50. */
  readonly maxImages?: number;
  readonly volumesInUse?: readonly string[];
  /** What device plugins announce. */
  readonly devices?: DeviceCounts;
  readonly before: NodeStatus;
  readonly nowMs: number;
}

/** Runtimes tell more, such as deprecations: these two alone keep pods away. */
const neededConditions: Readonly<Record<string, string>> = {
  NetworkReady: 'container runtime network not ready',
  RuntimeReady: 'container runtime not ready',
};

/** Why the node is not ready, as far as its runtime says. */
export function runtimeProblems(conditions: readonly RuntimeCondition[]): string[] {
  return conditions
    .filter(({ type, status }) => !status && Object.hasOwn(neededConditions, type))
    .map(({ type, reason, message }) => `${neededConditions[type]}: ${type}=false reason:${reason} message:${message}`);
}

export function nodeStatus(input: NodeStatusInput): NodeStatus {
  const { machine, resources } = input;
  return {
    // Extended resources are others' to announce: what is not said stays as they said it.
    capacity: { ...resources.capacity, ...input.devices?.capacity },
    allocatable: { ...resources.allocatable, ...input.devices?.allocatable },
    conditions: conditions(input),
    addresses: [...input.addresses],
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    nodeInfo: { ...machine.systemInfo, containerRuntimeVersion: input.runtimeVersion },
    images: imageList(input.images, input.maxImages ?? 50),
    runtimeHandlers: runtimeHandlers(input.features?.handlers ?? []),
    features: { supplementalGroupsPolicy: input.features?.supplementalGroupsPolicy ?? false },
    declaredFeatures: [...declaredFeatures],
    // An empty list takes the last ones out; where there never was one, none is written.
    ...(input.volumesInUse && (input.volumesInUse.length > 0 || input.before.volumesInUse)
      ? { volumesInUse: [...input.volumesInUse] }
      : {}),
  };
}

/** By name; a runtime that says nothing has a default one that can do nothing more. */
function runtimeHandlers(handlers: RuntimeFeatures['handlers']): NodeRuntimeHandler[] {
  if (handlers.length === 0) return [{ name: '', features: { recursiveReadOnlyMounts: false, userNamespaces: false } }];
  return handlers.map(({ name, ...features }) => ({ name, features })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Of a node that is simulated: the last 100 MiB of memory and a tenth of the disk stay free. */
export function nodeResources(
  machine: Machine,
  maxPods: number,
): { capacity: Record<string, string>; allocatable: Record<string, string> } {
  const memoryKi = Math.floor(machine.memoryBytes / 1024);
  const shared = { cpu: String(machine.cpuCount), pods: String(maxPods), 'hugepages-1Gi': '0', 'hugepages-2Mi': '0' };
  return {
    capacity: { ...shared, 'ephemeral-storage': `${Math.floor(machine.diskBytes / 1024)}Ki`, memory: `${memoryKi}Ki` },
    allocatable: {
      ...shared,
      'ephemeral-storage': String(Math.floor(machine.diskBytes * 0.9)),
      memory: `${Math.max(0, memoryKi - 100 * 1024)}Ki`,
    },
  };
}

/** A shortage that the node has or has not, in upstream's words. */
function shortage(
  type: string,
  isThere: boolean,
  there: readonly [string, string],
  absent: readonly [string, string],
): NodeFinding {
  const [reason, message] = isThere ? there : absent;
  return { type, status: isThere ? 'True' : 'False', reason: `KubeletHas${reason}`, message: `kubelet has ${message}` };
}

function conditions(input: NodeStatusInput): NodeCondition[] {
  const { memory, disk, pids } = input.pressure;
  const problems = input.problems;
  const facts: NodeFinding[] = [
    ...(input.findings ?? []),
    shortage(
      'MemoryPressure',
      memory,
      ['InsufficientMemory', 'insufficient memory available'],
      ['SufficientMemory', 'sufficient memory available'],
    ),
    shortage('DiskPressure', disk, ['DiskPressure', 'disk pressure'], ['NoDiskPressure', 'no disk pressure']),
    shortage(
      'PIDPressure',
      pids,
      ['InsufficientPID', 'insufficient PID available'],
      ['SufficientPID', 'sufficient PID available'],
    ),
    problems.length === 0
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : {
          type: 'Ready',
          status: 'False',
          reason: 'KubeletNotReady',
          message: problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`,
        },
  ];
  const now = rfc3339(input.nowMs);
  const own = facts.map((each) => {
    const old = input.before.conditions?.find(({ type }) => type === each.type);
    const lastTransitionTime = old?.status === each.status ? (old.lastTransitionTime ?? now) : now;
    return { ...each, lastHeartbeatTime: now, lastTransitionTime };
  });
  const others = (input.before.conditions ?? []).filter(({ type }) => !facts.some((each) => each.type === type));
  return [...others, ...own];
}

/** The largest, each with at most five names. */
function imageList(images: readonly ImageInfo[], most: number): ContainerImage[] {
  return [...images]
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, most < 0 ? images.length : most)
    .map(({ repoDigests, repoTags, sizeBytes }) => ({ names: [...repoDigests, ...repoTags].slice(0, 5), sizeBytes }))
    .filter(({ names }) => names.length > 0);
}

/** Whether anything but heartbeats differs. */
export function hasNews(before: NodeStatus, next: NodeStatus): boolean {
  const strip = (status: NodeStatus) =>
    JSON.stringify({ ...status, conditions: status.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest) });
  const owned = Object.fromEntries(Object.keys(next).map((key) => [key, before[key as keyof NodeStatus]]));
  const amounts = {
    capacity: saidOf(before.capacity, next.capacity),
    allocatable: saidOf(before.allocatable, next.allocatable),
  };
  return strip({ ...owned, ...amounts }) !== strip(next);
}

type Quantities = Readonly<Record<string, string>>;

/** Of what a node has, that which its agent speaks of, in the same order. */
export function saidOf(before: Quantities = {}, next: Quantities = {}): Record<string, string> {
  const names = Object.keys(next).filter((name) => before[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, before[name]!]));
}
