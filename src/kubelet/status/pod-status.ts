// The whole status of a pod: pure, from its object, what runs, what the probes say and what went wrong.
import type { Pod, PodCondition, PodStatus } from '../../../generated/core-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import { type PodEnding, terminationByKubelet } from '../pods/pod-ending.ts';
import { newestContainer } from '../pods/runtime-tracker.ts';
import { qosClassOf } from '../resources.ts';
import { type ContainerStatusInput, containerStatuses } from './container-statuses.ts';
import { podConditions, withTransitions } from './pod-conditions.ts';
import { podPhase } from './pod-phase.ts';
import { podResourceStatus } from './pod-resources.ts';

export interface PodStatusInput extends ContainerStatusInput {
  readonly nowMs: number;
  readonly hostIPs: readonly string[];
  /** When the agent saw the pod first. */
  readonly startedAtMs: number;
  /** The node itself has ended it: past its deadline, evicted, shut down. */
  readonly ending?: PodEnding | undefined;
}

export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, runtime } = input;
  const old = pod.status ?? {};
  const lists = containerStatuses(input);
  const statuses = [...lists.initContainerStatuses, ...lists.containerStatuses];
  const sandbox = runtime.sandboxes[0];
  const hasSandbox = sandbox?.state === 'SANDBOX_READY';
  const hasInitialized = pod.spec.containers.some(({ name }) =>
    runtime.containers.some(
      (each) => each.name === name && each.sandboxId === sandbox?.id && each.state !== 'CONTAINER_CREATED',
    ),
  );
  const isRestarting = pod.spec.containers.some(({ name }) => {
    const newest = newestContainer(runtime, name);
    return newest?.state === 'CONTAINER_EXITED' && input.isToRestart?.(newest.id);
  });
  let phase = podPhase({ pod, statuses, isTerminal: input.isTerminal, isRestarting, hasInitialized });
  if (old.phase === 'Failed' || old.phase === 'Succeeded') phase = old.phase;
  if (input.ending) phase = 'Failed';
  const conditions = [
    ...podConditions({
      pod,
      statuses,
      phase,
      hasSandbox,
      resize: phase === 'Failed' || phase === 'Succeeded' ? [] : (input.resize?.conditions ?? []),
      isRestartingAll: input.isRestartingAll ?? false,
    }),
    ...disruption(input),
  ];
  const reason = input.ending?.reason ?? (phase === old.phase ? old.reason : undefined);
  const message = input.ending?.message ?? (phase === old.phase ? old.message : undefined);
  return {
    ...(pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {}),
    phase,
    conditions: withTransitions(conditions, old.conditions ?? [], input.nowMs),
    ...(message ? { message } : {}),
    ...(reason ? { reason } : {}),
    hostIP: input.hostIPs[0] ?? '',
    hostIPs: input.hostIPs.map((ip) => ({ ip })),
    ...podIPs(input, hasSandbox),
    startTime: old.startTime ?? rfc3339(input.startedAtMs),
    ...(lists.initContainerStatuses.length ? { initContainerStatuses: lists.initContainerStatuses } : {}),
    containerStatuses: lists.containerStatuses,
    ...(lists.ephemeralContainerStatuses.length
      ? { ephemeralContainerStatuses: lists.ephemeralContainerStatuses }
      : {}),
    qosClass: old.qosClass ?? qosClassOf(pod.spec),
    ...podResourceStatus(pod, phase),
  };
}

/** Those who watch over availability learn that the pod did not fail by itself. */
function disruption({ pod, ending }: PodStatusInput): PodCondition[] {
  if (ending?.disruption === undefined) return [];
  const { generation } = pod.metadata;
  return [
    {
      type: 'DisruptionTarget',
      status: 'True',
      reason: terminationByKubelet,
      message: ending.disruption,
      ...(generation ? { observedGeneration: generation } : {}),
    },
  ];
}

/** Of a pod that may not start on this node: nothing is said of containers, which there are none of. */
export function rejectedStatus(
  pod: Pod,
  { reason, message }: { reason: string; message: string },
  nowMs: number,
): PodStatus {
  return {
    ...pod.status,
    ...(pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {}),
    phase: 'Failed',
    message: `Pod was rejected: ${message}`,
    reason,
    startTime: pod.status?.startTime ?? rfc3339(nowMs),
    qosClass: pod.status?.qosClass ?? qosClassOf(pod.spec),
  };
}

/** The sandbox's addresses; a stopped pod keeps the last ones it had. */
function podIPs({ pod, runtime, hostIPs }: PodStatusInput, hasSandbox: boolean): Pick<PodStatus, 'podIP' | 'podIPs'> {
  const old = { ...(pod.status?.podIP ? { podIP: pod.status.podIP, podIPs: pod.status.podIPs ?? [] } : {}) };
  if (pod.spec.hostNetwork) {
    // The second one may be known later than the first; what is told stays.
    const told = (pod.status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []);
    const own = told.length > 0 ? [...told, ...hostIPs.slice(told.length)] : hostIPs;
    return { podIP: own[0] ?? '', podIPs: own.map((ip) => ({ ip })) };
  }
  const ips = hasSandbox ? runtime.sandboxes[0]!.ips : [];
  if (ips.length === 0) return old;
  return { podIP: ips[0]!, podIPs: ips.map((ip) => ({ ip })) };
}
