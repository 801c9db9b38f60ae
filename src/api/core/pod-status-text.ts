// READY, STATUS and RESTARTS of the pod table: one word for everything that can be wrong with a pod.
import type { ContainerStatus, Pod } from '../../../generated/core-v1.ts';
import { humanDuration } from '../meta/human-duration.ts';
import { timeMs } from '../meta/time.ts';

interface Summary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  readonly lastRestartMs: number | undefined;
}

export const readyText = (pod: Pod): string => {
  const { ready, total } = summarize(pod);
  return `${ready}/${total}`;
};

export const statusText = (pod: Pod): string => summarize(pod).reason;

/** `3 (5m ago)`. The time is only asked for where it shows: other rows are made once and kept. */
export function restartsText(pod: Pod, time: { readonly nowMs: number }): string {
  const { restarts, lastRestartMs } = summarize(pod);
  if (restarts === 0 || lastRestartMs === undefined) return String(restarts);
  return `${restarts} (${humanDuration(time.nowMs - lastRestartMs)} ago)`;
}

/** The three cells of a row ask one after another: remembered for the pod that was asked about last. */
let last: { pod: Pod; summary: Summary } | undefined;

function summarize(pod: Pod): Summary {
  if (last?.pod !== pod) last = { pod, summary: describe(pod) };
  return last.summary;
}

const isSidecar = (pod: Pod, name: string): boolean =>
  pod.spec?.initContainers?.some((container) => container.name === name && container.restartPolicy === 'Always') ??
  false;

function finishedMs({ lastState }: ContainerStatus): number | undefined {
  return timeMs(lastState?.terminated?.finishedAt);
}

const later = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : other === undefined ? one : Math.max(one, other);

function describe(pod: Pod): Summary {
  const status = pod.status ?? {};
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').length;
  const total = (pod.spec?.containers ?? []).length + sidecars;
  let reason: string = status.reason || status.phase || '';
  for (const { type, reason: why } of status.conditions ?? []) {
    if (type === 'PodScheduled' && why === 'SchedulingGated') reason = why;
  }
  const init = describeInit(pod);
  if (init.reason !== undefined) reason = init.reason;
  let { restarts, ready } = init;
  let lastRestartMs = init.lastRestartMs;
  if (init.reason === undefined || isInitialized(pod)) {
    restarts = init.sidecarRestarts;
    lastRestartMs = init.sidecarRestartMs;
    let hasRunning = false;
    const containers = status.containerStatuses ?? [];
    for (let index = containers.length - 1; index >= 0; index--) {
      const container = containers[index]!;
      restarts += container.restartCount ?? 0;
      lastRestartMs = later(lastRestartMs, finishedMs(container));
      const { waiting, terminated, running } = container.state ?? {};
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated) reason = endReason(terminated);
      else if (container.ready && running) {
        hasRunning = true;
        ready++;
      }
    }
    if (reason === 'Completed' && hasRunning) reason = isReady(pod) ? 'Running' : 'NotReady';
  }
  if (pod.metadata.deletionTimestamp && status.reason === 'NodeLost') reason = 'Unknown';
  else if (pod.metadata.deletionTimestamp && status.phase !== 'Failed' && status.phase !== 'Succeeded')
    reason = 'Terminating';
  return { ready, total, reason, restarts, lastRestartMs };
}

function endReason({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode?: number }): string {
  if (reason) return reason;
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`;
}

interface InitSummary {
  readonly reason: string | undefined;
  readonly restarts: number;
  readonly lastRestartMs: number | undefined;
  readonly sidecarRestarts: number;
  readonly sidecarRestartMs: number | undefined;
  readonly ready: number;
}

/** Init containers until the first that is not done; sidecars that have started count as done. */
function describeInit(pod: Pod): InitSummary {
  const statuses = pod.status?.initContainerStatuses ?? [];
  let restarts = 0;
  let sidecarRestarts = 0;
  let ready = 0;
  let lastRestartMs: number | undefined;
  let sidecarRestartMs: number | undefined;
  for (const [index, container] of statuses.entries()) {
    restarts += container.restartCount ?? 0;
    lastRestartMs = later(lastRestartMs, finishedMs(container));
    const restartable = isSidecar(pod, container.name);
    if (restartable) {
      sidecarRestarts += container.restartCount ?? 0;
      sidecarRestartMs = later(sidecarRestartMs, finishedMs(container));
    }
    const { terminated, waiting } = container.state ?? {};
    if (terminated && (terminated.exitCode ?? 0) === 0) continue;
    if (restartable && container.started) {
      if (container.ready) ready++;
      continue;
    }
    const rest = { restarts, lastRestartMs, sidecarRestarts, sidecarRestartMs, ready };
    if (terminated) return { reason: `Init:${endReason(terminated)}`, ...rest };
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return { reason: `Init:${waiting.reason}`, ...rest };
    return { reason: `Init:${index}/${(pod.spec?.initContainers ?? []).length}`, ...rest };
  }
  return { reason: undefined, restarts, lastRestartMs, sidecarRestarts, sidecarRestartMs, ready };
}

const hasTrue = (pod: Pod, type: string): boolean =>
  pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
const isInitialized = (pod: Pod): boolean => hasTrue(pod, 'Initialized');
const isReady = (pod: Pod): boolean => hasTrue(pod, 'Ready');
