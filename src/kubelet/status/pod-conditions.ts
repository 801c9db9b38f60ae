// The conditions the node agent owns, with upstream's reasons and messages.
import type { Container, ContainerStatus, Pod, PodCondition } from '../../../generated/core-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import { isSidecar } from '../resources.ts';
import type { PodPhase } from './pod-phase.ts';
import { couldRestartAll } from './restart-policy.ts';

export const ownConditions: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
  'DisruptionTarget',
  'AllContainersRestarting',
]);

/** Of a pod whose wishes have changed: gone again when it has what it asks for. */
export const resizeConditions: ReadonlySet<string> = new Set(['PodResizePending', 'PodResizeInProgress']);

export interface ConditionInput {
  readonly pod: Pod;
  readonly statuses: readonly ContainerStatus[];
  readonly phase: PodPhase;
  readonly hasSandbox: boolean;
  /** Of wishes that are not fulfilled yet, each of a generation of its own. */
  readonly resize?: readonly Omit<PodCondition, 'status'>[];
  readonly isRestartingAll?: boolean;
}

type Verdict = Omit<PodCondition, 'type'>;

/** In upstream's order; transition times are `withTransitions`' business. */
export function podConditions(input: ConditionInput): PodCondition[] {
  const ready = containersReady(input);
  return [
    { type: 'PodReadyToStartContainers', status: input.hasSandbox ? 'True' : 'False' },
    { type: 'Initialized', ...initialized(input) },
    { type: 'Ready', ...podReady(input, ready) },
    { type: 'ContainersReady', ...ready },
    { type: 'PodScheduled', status: 'True' },
    ...restarting(input),
    ...(input.resize ?? []).map((condition) => ({ ...condition, status: 'True' as const })),
  ].map((condition) => ({ ...observed(input.pod), ...condition }));
}

/** Of pods that have a rule for it. */
function restarting({ pod, isRestartingAll }: ConditionInput): PodCondition[] {
  if (!couldRestartAll(pod.spec)) return [];
  if (!isRestartingAll) return [{ type: 'AllContainersRestarting', status: 'False' }];
  const [reason, message] = ['RestartAllContainersStarted', 'container exited with restart policy rule'];
  return [{ type: 'AllContainersRestarting', status: 'True', reason, message }];
}

function observed(pod: Pod): { observedGeneration?: number } {
  return pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {};
}

function containersReady({ pod, statuses, phase }: ConditionInput): Verdict {
  const relevant = [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers];
  const { unknown, bad } = sort(relevant, statuses, (_, status) => status.ready);
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const message = say(unknown, bad, 'unready');
  return message ? { status: 'False', reason: 'ContainersNotReady', message } : { status: 'True' };
}

function podReady({ pod }: ConditionInput, containers: Verdict): Verdict {
  if (containers.status !== 'True') return containers;
  const problems: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const condition = pod.status?.conditions?.find((each) => each.type === conditionType);
    if (!condition) problems.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    else if (condition.status !== 'True')
      problems.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`);
  }
  if (problems.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') };
}

function initialized({ pod, statuses, phase }: ConditionInput): Verdict {
  const { unknown, bad } = sort(pod.spec.initContainers ?? [], statuses, (container, status) =>
    isSidecar(container) ? status.started === true : status.ready,
  );
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' };
  // Once an app container has run the pod counts as initialized, though a sidecar may be starting again.
  const begun = pod.spec.containers.some(({ name }) => {
    const status = statuses.find((each) => each.name === name);
    return status?.started || status?.state?.running || status?.state?.terminated || status?.lastState?.terminated;
  });
  const message = say(unknown, bad, 'incomplete');
  // What has been initialized stays so, though its init containers may run again.
  const wasInitialized =
    couldRestartAll(pod.spec) &&
    pod.status?.conditions?.some(({ type, status }) => type === 'Initialized' && status === 'True');
  if (begun || wasInitialized || !message) return { status: 'True' };
  return { status: 'False', reason: 'ContainersNotInitialized', message };
}

function sort(
  containers: readonly Container[],
  statuses: readonly ContainerStatus[],
  isGood: (container: Container, status: ContainerStatus) => boolean,
): { unknown: string[]; bad: string[] } {
  const unknown: string[] = [];
  const bad: string[] = [];
  for (const container of containers) {
    const status = statuses.find((each) => each.name === container.name);
    if (!status) unknown.push(container.name);
    else if (!isGood(container, status)) bad.push(container.name);
  }
  return { unknown, bad };
}

function say(unknown: string[], bad: string[], word: string): string {
  return [
    ...(unknown.length ? [`containers with unknown status: [${unknown.join(' ')}]`] : []),
    ...(bad.length ? [`containers with ${word} status: [${bad.join(' ')}]`] : []),
  ].join(', ');
}

/** Keeps the transition time of a condition whose status stays; those of a resize are always true, what counts is why. */
export function withTransitions(next: PodCondition[], before: readonly PodCondition[], nowMs: number): PodCondition[] {
  return next.map((condition) => {
    const old = before.find((each) => each.type === condition.type);
    const stays =
      old?.status === condition.status &&
      (!resizeConditions.has(condition.type) || (old.reason ?? '') === (condition.reason ?? ''));
    const kept = stays ? old.lastTransitionTime : undefined;
    return { ...condition, lastTransitionTime: kept ?? rfc3339(nowMs) };
  });
}
