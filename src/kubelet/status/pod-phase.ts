// The phase of a pod from the states of its containers, as upstream computes it.
import type { Container, ContainerStatus, Pod } from '../../../generated/core-v1.ts';
import { isSidecar } from '../resources.ts';
import { willRestart } from './restart-policy.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface PhaseInput {
  readonly pod: Pod;
  /** Of init and app containers. */
  readonly statuses: readonly ContainerStatus[];
  /** All has been stopped for good: deleted, past its deadline, evicted. */
  readonly isTerminal: boolean;
  /** A container was ended for it to start again. */
  readonly isRestarting?: boolean;
  /** A regular container of the present sandbox has been started. */
  readonly hasInitialized: boolean;
}

export function podPhase({ pod, statuses, isTerminal, isRestarting = false, hasInitialized }: PhaseInput): PodPhase {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const init = initCounts(pod, byName);
  if (init.failedForGood > 0) return 'Failed';
  const apps = appCounts(pod, byName);
  if (!hasInitialized && (init.pending > 0 || init.failed > 0)) return 'Pending';
  if (!hasInitialized && apps.pendingSidecars > 0) return isTerminal ? 'Failed' : 'Pending';
  if (apps.waiting > 0) return isTerminal ? 'Failed' : 'Pending';
  if (apps.running > 0 && apps.unknown === 0) return 'Running';
  if (apps.running === 0 && apps.stopped > 0 && apps.unknown === 0) {
    const over = isTerminal || (!isRestarting && apps.stopped === apps.stoppedForGood);
    if (!over) return 'Running';
    return apps.stopped === apps.succeeded ? 'Succeeded' : 'Failed';
  }
  return isTerminal ? 'Failed' : 'Pending';
}

function initCounts(pod: Pod, statuses: ReadonlyMap<string, ContainerStatus>) {
  const counts = { pending: 0, failed: 0, failedForGood: 0 };
  for (const container of pod.spec.initContainers ?? []) {
    if (isSidecar(container)) continue;
    const status = statuses.get(container.name);
    const ended = status?.state?.terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined);
    if (!ended) counts.pending += 1;
    else if (ended.exitCode !== 0) {
      counts.failed += 1;
      if (!willRestart(container, pod.spec, ended, true)) counts.failedForGood += 1;
    }
  }
  return counts;
}

function appCounts(pod: Pod, statuses: ReadonlyMap<string, ContainerStatus>) {
  const counts = {
    running: 0,
    waiting: 0,
    unknown: 0,
    stopped: 0,
    stoppedForGood: 0,
    succeeded: 0,
    pendingSidecars: 0,
  };
  for (const container of (pod.spec.initContainers ?? []).filter(isSidecar)) {
    const status = statuses.get(container.name);
    if (status?.state?.running) {
      counts.running += 1;
      if (!status.started) counts.pendingSidecars += 1;
    } else if (status?.state?.waiting && !status.lastState?.terminated) {
      counts.pendingSidecars += 1;
      counts.waiting += 1;
    } else if (!status?.state) counts.unknown += 1;
  }
  for (const container of pod.spec.containers) countApp(counts, pod, container, statuses.get(container.name));
  return counts;
}

function countApp(
  counts: ReturnType<typeof appCounts>,
  pod: Pod,
  container: Container,
  status: ContainerStatus | undefined,
) {
  const state = status?.state;
  if (!state) counts.unknown += 1;
  else if (state.running) counts.running += 1;
  else if (state.waiting && !status.lastState?.terminated) counts.waiting += 1;
  else {
    const ended = state.terminated ?? status.lastState!.terminated!;
    counts.stopped += 1;
    if (!willRestart(container, pod.spec, ended, false)) counts.stoppedForGood += 1;
    if (state.terminated && ended.exitCode === 0) counts.succeeded += 1;
  }
}
