// Decides what a pod needs next: a pure function of its spec, what runs and what the probes say. Acting is the worker's.
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { isSidecar } from '../resources.ts';
import { couldRestartAll, restartsAll, shouldRestart } from '../status/restart-policy.ts';
import { containerHash } from './container-hash.ts';
import { containerHashAnnotation } from './labels.ts';
import { type ContainerRecord, newestContainer, type PodRuntime } from './runtime-tracker.ts';

export interface StartStep {
  readonly container: Container;
  readonly kind: 'init' | 'app' | 'ephemeral';
}

export interface KillStep {
  readonly record: ContainerRecord;
  readonly message: string;
  /** A probe's own grace period may be shorter than the pod's. */
  readonly cause: 'liveness' | 'startup' | 'changed';
}

export interface PodPlan {
  /** Attempt number of the sandbox to make; undefined when the present one serves. */
  readonly sandboxAttempt?: number;
  /** In order. Init containers come one at a time. */
  readonly start: readonly StartStep[];
  readonly kill: readonly KillStep[];
  /** In order: what is taken away before all of the pod starts anew. */
  readonly reset?: readonly ContainerRecord[];
  /** All that had to run has ended: stop what is left. */
  readonly isOver: boolean;
}

export interface ProbeVerdicts {
  /** Why the probes want this container killed. */
  failureOf(container: string, containerId: string): 'liveness' | 'startup' | undefined;
  isStarted(container: string, containerId: string): boolean;
  /** The agent itself ended it, for it to start again: how it ended says nothing then. */
  isToRestart?(containerId: string): boolean;
}

export function planPod(pod: Pod, runtime: PodRuntime, probes: ProbeVerdicts): PodPlan {
  const sandbox = runtime.sandboxes[0];
  const reset = planReset(pod, runtime);
  if (reset.length > 0) return { start: [], kill: [], reset, isOver: false };
  if (sandbox?.state === 'SANDBOX_READY' && (pod.spec.hostNetwork || sandbox.ips.length > 0))
    return planInSandbox(pod, withinSandbox(runtime, sandbox.id), runtime, probes);
  const hasRun = runtime.containers.length > 0;
  const isOver = hasRun && !pod.spec.containers.some((container) => wants(pod, container, runtime));
  if (isOver || (hasRun && pod.spec.restartPolicy === 'Never')) return { start: [], kill: [], isOver: true };
  const fresh = planInSandbox(pod, { sandboxes: [], containers: [] }, runtime, probes);
  return { sandboxAttempt: sandbox ? sandbox.metadata.attempt + 1 : 0, start: fresh.start, kill: [], isOver: false };
}

/** Everything of the pod, once the end of a container asks for that: those that asked come last. */
function planReset({ spec }: Pod, runtime: PodRuntime): ContainerRecord[] {
  const { initContainers = [], containers } = spec;
  if (!couldRestartAll(spec)) return [];
  const asks = (container: Container, { state, exitCode }: ContainerRecord) =>
    state === 'CONTAINER_EXITED' && restartsAll(container, exitCode);
  const recordsOf = (list: readonly Container[], isAsking: boolean) =>
    list.flatMap((container) =>
      runtime.containers.filter((each) => each.name === container.name && asks(container, each) === isAsking),
    );
  const hasAsked = [...initContainers, ...containers].some((container) => {
    const newest = newestContainer(runtime, container.name);
    return newest && asks(container, newest);
  });
  if (!hasAsked) return [];
  return [false, true].flatMap((isAsking) => [
    ...recordsOf(containers, isAsking),
    ...recordsOf(initContainers, isAsking),
  ]);
}

/** Whether an app container is to run (again), whatever sandbox it ran in. */
function wants(pod: Pod, container: Container, runtime: PodRuntime): boolean {
  const newest = newestContainer(runtime, container.name);
  return newest?.state !== 'CONTAINER_EXITED' || shouldRestart(container, pod.spec, newest.exitCode, false);
}

function withinSandbox(runtime: PodRuntime, sandboxId: string): PodRuntime {
  return {
    sandboxes: runtime.sandboxes,
    containers: runtime.containers.filter((each) => each.sandboxId === sandboxId),
  };
}

function planInSandbox(pod: Pod, here: PodRuntime, everywhere: PodRuntime, probes: ProbeVerdicts): PodPlan {
  const hasBegun = pod.spec.containers.some(({ name }) => newestContainer(here, name));
  const init = hasBegun ? keepSidecars(pod, here, probes) : nextInit(pod, here, probes);
  if (!init.isDone) return { start: init.start, kill: init.kill, isOver: init.hasFailed ?? false };
  const start: StartStep[] = [...init.start];
  const kill: KillStep[] = [...init.kill];
  let ended = 0;
  for (const container of pod.spec.containers) {
    // A new sandbox does not make a finished container run again.
    const record = newestContainer(here, container.name) ?? finished(newestContainer(everywhere, container.name));
    if (record?.state === 'CONTAINER_RUNNING') kill.push(...killOf(pod, container, record, probes));
    else if (
      record?.state === 'CONTAINER_EXITED' &&
      !probes.isToRestart?.(record.id) &&
      !shouldRestart(container, pod.spec, record.exitCode, false)
    )
      ended += 1;
    else start.push({ container, kind: 'app' });
  }
  const isOver = ended === pod.spec.containers.length;
  if (isOver) return { start: [], kill: [], isOver };
  return { start: [...start, ...newEphemeral(pod, here)], kill, isOver };
}

function finished(record: ContainerRecord | undefined): ContainerRecord | undefined {
  return record?.state === 'CONTAINER_EXITED' ? record : undefined;
}

interface InitPlan {
  readonly isDone: boolean;
  readonly hasFailed?: boolean;
  readonly start: readonly StartStep[];
  readonly kill: readonly KillStep[];
}

/** One init container after the other; a sidecar lets the next begin once it has started. */
function nextInit(pod: Pod, here: PodRuntime, probes: ProbeVerdicts): InitPlan {
  const kill: KillStep[] = [];
  const waiting = { isDone: false, start: [], kill };
  for (const container of pod.spec.initContainers ?? []) {
    const record = newestContainer(here, container.name);
    const start: StartStep = { container, kind: 'init' };
    if (!record || record.state === 'CONTAINER_CREATED' || record.state === 'CONTAINER_UNKNOWN')
      return { isDone: false, start: [start], kill };
    if (record.state === 'CONTAINER_RUNNING') {
      if (!isSidecar(container)) return waiting;
      kill.push(...killOf(pod, container, record, probes));
      if (kill.length > 0 || !probes.isStarted(container.name, record.id)) return waiting;
    } else if (isSidecar(container) || probes.isToRestart?.(record.id)) return { isDone: false, start: [start], kill };
    else if (record.exitCode !== 0) {
      const again = shouldRestart(container, pod.spec, record.exitCode, true);
      return { isDone: false, hasFailed: !again, start: again ? [start] : [], kill };
    }
  }
  return { isDone: true, start: [], kill };
}

/** Init is over; sidecars that ended start again, beside the apps. */
function keepSidecars(pod: Pod, here: PodRuntime, probes: ProbeVerdicts): InitPlan {
  const start: StartStep[] = [];
  const kill: KillStep[] = [];
  for (const container of (pod.spec.initContainers ?? []).filter(isSidecar)) {
    const record = newestContainer(here, container.name);
    if (record?.state === 'CONTAINER_RUNNING') kill.push(...killOf(pod, container, record, probes));
    else start.push({ container, kind: 'init' });
  }
  return { isDone: true, start, kill };
}

function killOf(pod: Pod, container: Container, record: ContainerRecord, probes: ProbeVerdicts): KillStep[] {
  const hash = record.annotations[containerHashAnnotation];
  const isChanged = hash !== undefined && hash !== containerHash(container);
  const cause = isChanged ? 'changed' : probes.failureOf(container.name, record.id);
  if (!cause) return [];
  const why = isChanged ? 'definition changed' : `failed ${cause} probe`;
  // Of sidecars it goes without saying that they start again.
  if (isSidecar(container)) return [{ record, cause, message: `Init container ${container.name} ${why}` }];
  const isAgain = isChanged || shouldRestart(container, pod.spec, 137, false);
  return [{ record, cause, message: `Container ${container.name} ${why}${isAgain ? ', will be restarted' : ''}` }];
}

function newEphemeral(pod: Pod, here: PodRuntime): StartStep[] {
  return (pod.spec.ephemeralContainers ?? [])
    .filter(({ name }) => !newestContainer(here, name))
    .map((container) => ({ container: container as Container, kind: 'ephemeral' }));
}
