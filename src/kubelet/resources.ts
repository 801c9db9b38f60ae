// What containers ask for and may use, in the units of cgroups.
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../generated/core-v1.ts';
import { podResources } from '../api/core/effective-resources.ts';
import type { LinuxResources } from './runtime/runtime.ts';

const suffixes: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity as a number; the API server has checked its form. Fractions of bytes and nanocores are the only loss. */
export function quantityValue(quantity: string | number): number {
  const match = /^([+-]?[0-9.]+)(?:([eE][+-]?\d+)|([a-zA-Z]*))$/.exec(String(quantity));
  if (!match) return 0;
  if (match[2]) return Number(match[1] + match[2]);
  return Number(match[1]) * (suffixes[match[3] ?? ''] ?? 1);
}

/** CPU in thousandths, rounded up as upstream does. */
export function milliCpu(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Math.ceil(quantityValue(quantity) * 1000 - 1e-9);
}

export function bytesOf(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Math.ceil(quantityValue(quantity));
}

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

/** By the spec alone, as it was when the pod was created. */
export function qosClassOf(spec: PodSpec): QosClass {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const positive = (list: Record<string, string> | undefined, name: string) => quantityValue(list?.[name] ?? '0') > 0;
  let anything = false;
  let guaranteed = true;
  const sets = spec.resources ? [spec.resources] : containers.map((container) => container.resources);
  for (const resources of sets) {
    for (const name of ['cpu', 'memory']) {
      const limited = positive(resources?.limits, name);
      const requested = positive(resources?.requests, name);
      if (limited || requested) anything = true;
      const equal =
        quantityValue(resources?.limits?.[name] ?? '0') ===
        quantityValue(resources?.requests?.[name] ?? resources?.limits?.[name] ?? '0');
      if (!limited || !equal) guaranteed = false;
    }
  }
  if (!anything) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** cpu.shares of a request: 1024 a core, at least 2. */
export function cpuShares(milli: number): number {
  return milli === 0 ? 2 : Math.max(2, Math.min(262_144, Math.floor((milli * 1024) / 1000)));
}

/** How limits of CPU are held. */
export interface CpuLimits {
  /** False: they are not. */
  readonly isHeld: boolean;
  readonly periodMicros: number;
}

export const usualCpuLimits: CpuLimits = { isHeld: true, periodMicros: 100_000 };

/** Microseconds of a period that a limit allows, at least 1 ms; 0 without a limit. */
export function cpuQuota(milli: number, { periodMicros }: CpuLimits = usualCpuLimits): number {
  return milli === 0 ? 0 : Math.max(1000, Math.floor((milli * periodMicros) / 1000));
}

function cpuTime(milli: number, limits: CpuLimits): Pick<LinuxResources, 'cpuPeriod' | 'cpuQuota'> {
  if (milli === 0) return {};
  return { cpuPeriod: limits.periodMicros, cpuQuota: limits.isHeld ? cpuQuota(milli, limits) : -1 };
}

/** Who is killed first when memory runs out: best effort, then those who use more than they asked for. */
export function oomScoreAdjust(pod: Pod, container: Container, memoryCapacityBytes: number): number {
  if (pod.spec.priorityClassName === 'system-node-critical') return -997;
  const qos = qosClassOf(pod.spec);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const requestOf = ({ resources }: Container) => bytesOf(resources?.requests?.['memory']);
  const least = Math.min(...pod.spec.containers.map(requestOf));
  // A sidecar goes no sooner than those that it serves.
  const request = isSidecar(container) ? Math.max(requestOf(container), least) : requestOf(container);
  const score = 1000 - Math.floor((1000 * (request + shareOfPodRequest(pod.spec))) / memoryCapacityBytes);
  return Math.min(999, Math.max(3, score));
}

/** Of the memory that the pod asks for as a whole, what no container asks for: to all of them alike. */
function shareOfPodRequest({ resources, ...rest }: PodSpec): number {
  const whole = bytesOf(resources?.requests?.['memory']);
  if (whole === 0) return 0;
  const { overhead: _, ...spec } = rest;
  const asked = Number(podResources(spec, 'requests').get('memory')?.units ?? 0n);
  return Math.floor((whole - asked) / (spec.containers.length + (spec.initContainers?.length ?? 0)));
}

/** What the machine says to what containers ask for. */
export interface MachineLimits {
  readonly memoryCapacityBytes: number;
  readonly cpuLimits: CpuLimits;
  /** Files of every container's group, as they are written; absent: none. */
  readonly containerFiles?: Readonly<Record<string, string>> | undefined;
}

/** A container without a limit of its own has the pod's. */
export function withPodLimits(
  own: ResourceRequirements = {},
  ofPod: ResourceRequirements | undefined,
): ResourceRequirements {
  const missing = ['cpu', 'memory'].filter(
    (name) => ofPod?.limits?.[name] !== undefined && quantityValue(own.limits?.[name] ?? '0') === 0,
  );
  if (missing.length === 0) return own;
  return {
    ...own,
    limits: { ...own.limits, ...Object.fromEntries(missing.map((name) => [name, ofPod!.limits![name]!])) },
  };
}

export function containerLinuxResources(pod: Pod, container: Container, machine: MachineLimits): LinuxResources {
  const { limits = {}, requests = {} } = withPodLimits(container.resources, pod.spec.resources);
  const cpuLimit = milliCpu(limits['cpu']);
  const cpuRequest =
    requests['cpu'] === undefined && limits['cpu'] !== undefined ? cpuLimit : milliCpu(requests['cpu']);
  const memory = bytesOf(limits['memory']);
  return {
    cpuShares: cpuShares(cpuRequest),
    ...cpuTime(cpuLimit, machine.cpuLimits),
    ...(memory ? { memoryLimitInBytes: memory } : {}),
    ...hugePageLimits(limits),
    oomScoreAdj: oomScoreAdjust(pod, container, machine.memoryCapacityBytes),
    ...(machine.containerFiles ? { unified: { ...machine.containerFiles } } : {}),
  };
}

/** The runtime calls a page of `2Mi` one of `2MB`. */
function hugePageLimits(limits: Record<string, string>): Pick<LinuxResources, 'hugepageLimits'> {
  const prefix = 'hugepages-';
  const hugepageLimits = Object.entries(limits)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, limit]) => ({ pageSize: name.slice(prefix.length).replace(/i$/, 'B'), limit: bytesOf(limit) }));
  return hugepageLimits.length > 0 ? { hugepageLimits } : {};
}

/** A pod's sums, with its overhead: shares of the requests; limits only where every container has one, or the pod itself. */
export function podLinuxResources(spec: PodSpec, cpuLimits: CpuLimits = usualCpuLimits): LinuxResources {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const limits = podResources(spec, 'limits');
  const isLimited = (name: string) =>
    quantityValue(spec.resources?.limits?.[name] ?? '0') > 0 ||
    containers.every(({ resources }) => quantityValue(resources?.limits?.[name] ?? '0') > 0);
  const memory = isLimited('memory') ? Number(limits.get('memory')?.units ?? 0n) : 0;
  return {
    cpuShares: cpuShares(Number(podResources(withRequests(spec), 'requests').get('cpu')?.millis ?? 0n)),
    ...cpuTime(isLimited('cpu') ? Number(limits.get('cpu')?.millis ?? 0n) : 0, cpuLimits),
    ...(memory ? { memoryLimitInBytes: memory } : {}),
  };
}

/** Where only a limit of CPU is given it is the request as well; manifests of this machine have met no defaults. */
function withRequests(spec: PodSpec): PodSpec {
  const withRequest = (container: Container): Container => {
    const { requests, limits } = container.resources ?? {};
    if (requests?.['cpu'] !== undefined || limits?.['cpu'] === undefined) return container;
    return { ...container, resources: { ...container.resources, requests: { ...requests, cpu: limits['cpu'] } } };
  };
  const { initContainers, containers } = spec;
  return {
    ...spec,
    containers: containers.map(withRequest),
    ...(initContainers ? { initContainers: initContainers.map(withRequest) } : {}),
  };
}

/** What the sandbox itself takes, above its containers; undefined where the runtime class says nothing. */
export function overheadResources({ overhead }: PodSpec, cpuLimits: CpuLimits): LinuxResources | undefined {
  if (!overhead) return undefined;
  const cpu = milliCpu(overhead['cpu']);
  const memory = bytesOf(overhead['memory']);
  return {
    cpuShares: cpuShares(cpu),
    ...cpuTime(cpu, cpuLimits),
    ...(memory ? { memoryLimitInBytes: memory } : {}),
  };
}
