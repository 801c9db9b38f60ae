// A pod's CPU and memory may change while it runs: what it is allowed, what its containers have, and the way there.
import type { Container, ContainerStatus, Pod, ResourceRequirements } from '../../../generated/core-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import { bytesOf, containerLinuxResources, milliCpu, withPodLimits } from '../resources.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import type { ResizeProblem } from './admission.ts';
import { graceOf } from './grace.ts';
import { killContainer } from './kill-containers.ts';
import type { PodServices } from './pod-services.ts';
import type { ContainerRecord } from './runtime-tracker.ts';

/** What the pod's status says of a resize that is not done. */
export interface ResizeCondition {
  readonly type: 'PodResizePending' | 'PodResizeInProgress';
  readonly reason?: string;
  readonly message?: string;
  /** Of the wishes it is about. */
  readonly observedGeneration: number;
  /** When it was said. */
  readonly lastProbeTime: string;
}

type Said = Omit<ResizeCondition, 'type'>;

/** How long a resize that found no room, or failed, waits for the next try. */
export const resizeRetryMs = 5_000;

const failed = 'Error';

export class PodResize {
  readonly #services: PodServices;
  readonly #problemOf: (pod: Pod) => ResizeProblem | undefined;
  /** What each container is to have, by name: the wishes of the spec as far as there is room. */
  readonly #allowed = new Map<string, ResourceRequirements>();
  /** The same for the pod as a whole. */
  #allowedPod: ResourceRequirements | undefined;
  /** What each running container has, by its ID. */
  readonly #given = new Map<string, Given>();
  /** What the pod's group has; undefined before this agent has looked. */
  #givenPod: { readonly resources: ResourceRequirements | undefined } | undefined;
  /** Wishes there is no room for. */
  #pending: Said | undefined;
  /** Wishes that were allowed, until all that runs has them. */
  #progress: Said | undefined;

  /** @param problemOf why there is no room for the pod with its new wishes */
  constructor(services: PodServices, pod: Pod, problemOf: (pod: Pod) => ResizeProblem | undefined) {
    this.#services = services;
    this.#problemOf = problemOf;
    for (const container of resizable(pod)) this.#allowed.set(container.name, known(pod, container));
    this.#allowedPod = knownOfPod(pod);
    // What was said before this agent started holds on.
    this.#pending = saidOf(pod, 'PodResizePending');
    this.#progress = saidOf(pod, 'PodResizeInProgress');
  }

  /** The pod with the resources it is allowed: what all else of the agent sees. */
  allowed(pod: Pod): Pod {
    if (this.#changed(pod).length === 0 && isEqual(pod.spec.resources, this.#allowedPod)) return pod;
    const withAllowed = (container: Container): Container =>
      this.#allowed.has(container.name) ? { ...container, resources: this.#allowed.get(container.name)! } : container;
    const { initContainers, containers, resources: _, ...rest } = pod.spec;
    const spec = {
      ...rest,
      ...(this.#allowedPod ? { resources: this.#allowedPod } : {}),
      containers: containers.map(withAllowed),
      ...(initContainers ? { initContainers: initContainers.map(withAllowed) } : {}),
    };
    return { ...pod, spec };
  }

  /** Takes in new wishes: allows them, or says why not. */
  wish(pod: Pod): void {
    const changed = this.#changed(pod);
    const isChanged = changed.length > 0 || !isEqual(pod.spec.resources, this.#allowedPod);
    const problem = isChanged ? this.#problemOf(pod) : undefined;
    if (problem) this.#defer(pod, problem);
    else this.#pending = undefined;
    if (!isChanged || problem) return;
    for (const each of changed) this.#allowed.set(each.name, each.resources ?? {});
    this.#allowedPod = pod.spec.resources;
    this.#progress = this.#say(generationOf(pod));
    this.#tell(pod, 'ResizeStarted', this.#progress);
  }

  #defer(pod: Pod, problem: ResizeProblem): void {
    const before = this.#pending;
    const observedGeneration = generationOf(pod);
    const isSame = before?.reason === problem.reason && before.observedGeneration === observedGeneration;
    if (isSame && before.message === problem.message) return;
    this.#pending = this.#say(observedGeneration, problem);
    if (!isSame) this.#tell(pod, `Resize${problem.reason}`, this.#pending);
  }

  /** What runs did not get what it was allowed. Wishes that come meanwhile leave the generation as it is. */
  #fail(pod: Pod, message: string): void {
    if (this.#progress?.reason === failed && this.#progress.message === message) return;
    this.#progress = this.#say(this.#progress?.observedGeneration ?? generationOf(pod), { reason: failed, message });
    this.#tell(pod, 'ResizeError', this.#progress);
  }

  #say(observedGeneration: number, words: { readonly reason?: string; readonly message?: string } = {}): Said {
    return { ...words, observedGeneration, lastProbeTime: rfc3339(this.#services.clock.now()) };
  }

  #changed(pod: Pod): Container[] {
    return resizable(pod).filter((each) => !isEqual(each.resources, this.#allowed.get(each.name)));
  }

  /** One wish may wait while another is on its way. */
  get conditions(): ResizeCondition[] {
    return [
      ...(this.#pending ? [{ type: 'PodResizePending' as const, ...this.#pending }] : []),
      ...(this.#progress ? [{ type: 'PodResizeInProgress' as const, ...this.#progress }] : []),
    ];
  }

  /** Whether something is left to try later. */
  get isOpen(): boolean {
    return this.#pending !== undefined || this.#progress?.reason === failed;
  }

  /** What a container has now; undefined for one that was not seen to start: what it is allowed. */
  givenTo(containerId: string): ResourceRequirements | undefined {
    return this.#given.get(containerId)?.own;
  }

  /** Gives running containers what they are allowed, or stops those that have to start anew for it. @returns those that were stopped */
  async apply(pod: Pod, running: readonly ContainerRecord[]): Promise<ContainerRecord[]> {
    const { cgroups, runtime } = this.#services;
    const changes = running.flatMap((record) => {
      const container = resizable(pod).find(({ name }) => name === record.name);
      if (!container) return [];
      const own = this.#allowed.get(record.name) ?? {};
      const given = this.#given.get(record.id);
      if (!given) {
        const before = (this.#progress && reported(pod, record)) || own;
        const podBefore = this.#givenPod ? this.#givenPod.resources : this.#allowedPod;
        this.#given.set(record.id, { own: before, limited: withPodLimits(before, podBefore) });
      }
      const now = this.#given.get(record.id)!.limited;
      const wanted = withPodLimits(own, this.#allowedPod);
      if (isEqual(now, wanted)) this.#given.set(record.id, { own, limited: wanted });
      return isEqual(now, wanted) ? [] : [{ record, container, own, wanted, now }];
    });
    this.#givenPod ??= { resources: this.#progress ? undefined : this.#allowedPod };
    const isPodChanged = !isEqual(this.#givenPod.resources, this.#allowedPod);
    this.#forget(running);
    const stopped: ContainerRecord[] = [];
    try {
      // The pod's group is made larger before its containers, and smaller after them: one of the two looks does either.
      await this.#refuseBelowUsage(changes);
      if (changes.length > 0 || isPodChanged) await cgroups.ensurePod(pod);
      for (const { record, container, own, wanted, now } of changes) {
        if (needsRestart(container, now, wanted)) {
          const message = `Container ${record.name} resize requires restart`;
          await killContainer(this.#services, record, { pod, graceSeconds: graceOf(pod), message });
          stopped.push(record);
          continue;
        }
        await runtime.updateContainerResources(record.id, containerLinuxResources(pod, container, this.#services));
        this.#given.set(record.id, { own, limited: wanted });
      }
      if (changes.length > 0 || isPodChanged) await cgroups.ensurePod(pod);
      this.#givenPod = { resources: this.#allowedPod };
      if (stopped.length === 0) this.#settle(pod, running);
    } catch (error) {
      this.#fail(pod, rpcErrorText(error));
    }
    return stopped;
  }

  /** @throws when a container would get less memory than it uses: the kernel would have to kill it */
  async #refuseBelowUsage(changes: readonly Change[]): Promise<void> {
    const lower = changes.flatMap(({ record, container, wanted, now }) => {
      const limit = bytesOf(wanted.limits?.['memory']);
      const isLower = limit > 0 && (amounts(now).memoryLimit === 0 || limit < amounts(now).memoryLimit);
      return isLower && !needsRestart(container, now, wanted) ? [{ record, limit }] : [];
    });
    if (lower.length === 0) return;
    const usages = new Map((await this.#services.runtime.containerUsage()).map((each) => [each.id, each]));
    const problems = lower.flatMap(({ record: { id, name }, limit }) => {
      const usage = usages.get(id)?.memoryUsageBytes;
      if (usage === undefined) return [`missing container "${name}" memory usage`];
      if (usage < limit) return [];
      return [`attempting to set container "${name}" memory limit (${limit}) below current usage (${usage})`];
    });
    if (problems.length === 0) return;
    const all = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`;
    throw new Error(`cannot decrease memory limits: ${all}`);
  }

  /** Over when every container that runs all the time runs with what it is allowed, or one before them does. */
  #settle(pod: Pod, running: readonly ContainerRecord[]): void {
    const progress = this.#progress;
    if (!progress) return;
    const runs = ({ name }: Container) => running.some((record) => record.name === name);
    const hasBegun = running.length > 0 && !pod.spec.containers.some(runs) && pod.spec.initContainers?.some(runs);
    if (!hasBegun && !pod.spec.containers.every(runs)) return;
    this.#progress = undefined;
    const { observedGeneration, lastProbeTime } = progress;
    this.#tell(pod, 'ResizeCompleted', { observedGeneration, lastProbeTime });
  }

  #forget(running: readonly ContainerRecord[]): void {
    const alive = new Set(running.map(({ id }) => id));
    for (const id of this.#given.keys()) if (!alive.has(id)) this.#given.delete(id);
  }

  #tell(pod: Pod, reason: string, { observedGeneration, message: problem }: Said): void {
    const words: Readonly<Record<string, string>> = {
      ResizeStarted: 'started',
      ResizeCompleted: 'completed',
      ResizeError: 'error',
      ResizeDeferred: 'Deferred',
      ResizeInfeasible: 'Infeasible',
    };
    const list = (containers: readonly Container[] = []) =>
      containers.map(({ name, resources = {} }) => ({ name, resources }));
    const summary = {
      ...(pod.spec.initContainers?.length ? { initContainers: list(pod.spec.initContainers) } : {}),
      containers: list(pod.spec.containers),
      generation: observedGeneration,
      ...(problem ? { error: problem } : {}),
    };
    const type = problem ? 'Warning' : 'Normal';
    this.#services.events.pod(pod, type, reason, `Pod resize ${words[reason]}: ${JSON.stringify(summary)}`);
  }
}

interface Given {
  /** As its spec says it. */
  readonly own: ResourceRequirements;
  /** With the pod's limits where it has none itself. */
  readonly limited: ResourceRequirements;
}

interface Change {
  readonly record: ContainerRecord;
  readonly container: Container;
  readonly own: ResourceRequirements;
  readonly wanted: ResourceRequirements;
  readonly now: ResourceRequirements;
}

const generationOf = ({ metadata }: Pod): number => metadata.generation ?? 0;

function saidOf({ status }: Pod, type: ResizeCondition['type']): Said | undefined {
  const found = status?.conditions?.find((each) => each.type === type);
  if (!found) return undefined;
  const { reason, message, observedGeneration = 0, lastProbeTime } = found;
  return {
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
    observedGeneration,
    lastProbeTime: lastProbeTime ?? found.lastTransitionTime ?? '',
  };
}

/** Those whose resources may change while they run. */
function resizable(pod: Pod): Container[] {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
}

/** What the status says a container has: after a restart of the agent nothing else is known. */
function known(pod: Pod, container: Container): ResourceRequirements {
  const status = statusOf(pod, container.name);
  if (!status?.state?.running || !status.allocatedResources) return container.resources ?? {};
  return {
    ...container.resources,
    requests: { ...container.resources?.requests, ...status.allocatedResources },
    ...(status.resources?.limits ? { limits: status.resources.limits } : {}),
  };
}

function knownOfPod({ spec, status }: Pod): ResourceRequirements | undefined {
  const { allocatedResources, resources } = status ?? {};
  if (status?.phase !== 'Running' || !spec.resources || !allocatedResources) return spec.resources;
  const names = Object.keys(spec.resources.requests ?? {}).filter((name) => allocatedResources[name] !== undefined);
  return {
    ...spec.resources,
    requests: {
      ...spec.resources.requests,
      ...Object.fromEntries(names.map((name) => [name, allocatedResources[name]!])),
    },
    ...(spec.resources.limits ? { limits: { ...spec.resources.limits, ...resources?.limits } } : {}),
  };
}

function reported(pod: Pod, record: ContainerRecord): ResourceRequirements | undefined {
  const status = statusOf(pod, record.name);
  return status?.containerID?.endsWith(`//${record.id}`) ? status.resources : undefined;
}

function statusOf(pod: Pod, name: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses].find((each) => each.name === name);
}

interface Amounts {
  readonly cpuRequest: number;
  readonly cpuLimit: number;
  readonly memoryRequest: number;
  readonly memoryLimit: number;
}

function amounts({ requests, limits }: ResourceRequirements): Amounts {
  return {
    cpuRequest: milliCpu(requests?.['cpu']),
    cpuLimit: milliCpu(limits?.['cpu']),
    memoryRequest: bytesOf(requests?.['memory']),
    memoryLimit: bytesOf(limits?.['memory']),
  };
}

function isEqual(one: ResourceRequirements = {}, other: ResourceRequirements = {}): boolean {
  const [a, b] = [amounts(one), amounts(other)];
  return (Object.keys(a) as (keyof Amounts)[]).every((key) => a[key] === b[key]);
}

/** What a container asks not to be told while it runs. */
function needsRestart(
  { resizePolicy = [] }: Container,
  now: ResourceRequirements,
  wanted: ResourceRequirements,
): boolean {
  const [before, after] = [amounts(now), amounts(wanted)];
  const restarts = (resource: string) =>
    resizePolicy.some((each) => each.resourceName === resource && each.restartPolicy === 'RestartContainer');
  const hasCpuChanged = before.cpuRequest !== after.cpuRequest || before.cpuLimit !== after.cpuLimit;
  const hasMemoryChanged = before.memoryRequest !== after.memoryRequest || before.memoryLimit !== after.memoryLimit;
  return (hasCpuChanged && restarts('cpu')) || (hasMemoryChanged && restarts('memory'));
}
