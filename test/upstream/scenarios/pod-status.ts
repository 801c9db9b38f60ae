// The status a kubelet would write, with fixed content.
import type { Json } from './scenario.ts';

export type PodState = 'pending' | 'unready' | 'ready' | 'crash' | 'succeeded' | 'failed';

export interface PodStatusWish {
  readonly set: PodState;
  readonly exitCode?: number;
  /** Exit codes by container. */
  readonly containers?: Readonly<Record<string, number>>;
  readonly signal?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly restarts?: number;
  readonly conditions?: readonly Json[];
  /** Goes over everything. */
  readonly status?: Json;
}

const phases = {
  pending: 'Pending',
  unready: 'Running',
  ready: 'Running',
  crash: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
} as const;

const notReadyReasons: Partial<Record<PodState, string>> = {
  succeeded: 'PodCompleted',
  failed: 'PodFailed',
  unready: 'ContainersNotReady',
  crash: 'ContainersNotReady',
  pending: 'ContainersNotReady',
};

export const nowText = (): string => new Date().toISOString().replace(/\.\d+/, '');

export function podStatus(pod: Json, wish: PodStatusWish, address: string): Json {
  const { set, reason, message } = wish;
  const now = nowText();
  const hasAddress = set !== 'pending';
  return {
    phase: phases[set],
    conditions: conditions(pod, wish, now),
    startTime: pod.status.startTime ?? now,
    ...(hasAddress && { podIP: address, podIPs: [{ ip: address }] }),
    ...(set !== 'crash' && set !== 'pending' && reason && { reason }),
    ...(message && { message }),
    containerStatuses: pod.spec.containers.map((each: Json) => containerStatus(each, wish, now)),
    ...wish.status,
  };
}

function conditions(pod: Json, { set, conditions: given = [] }: PodStatusWish, now: string): Json[] {
  const condition = (type: string, isTrue: boolean, reason?: string) => ({
    type,
    status: isTrue ? 'True' : 'False',
    lastTransitionTime: now,
    ...(reason && { reason }),
  });
  const isReady = set === 'ready';
  const usual = [
    condition('PodReadyToStartContainers', phases[set] === 'Running'),
    condition('Initialized', set !== 'pending'),
    condition('Ready', isReady, notReadyReasons[set]),
    condition('ContainersReady', isReady, notReadyReasons[set]),
    condition('PodScheduled', true),
  ];
  const givenTypes = new Set(given.map(({ type }) => type));
  const mine = usual
    .filter(({ type }) => !givenTypes.has(type))
    .concat(given.map((each) => ({ lastTransitionTime: now, ...each })));
  const types = new Set(mine.map(({ type }) => type));
  const others = (pod.status.conditions ?? []).filter(({ type }: Json) => !types.has(type));
  return [...others, ...mine];
}

function containerStatus({ name, image }: Json, wish: PodStatusWish, now: string): Json {
  const { set, restarts } = wish;
  const ended = { startedAt: now, finishedAt: now };
  const exitCode = wish.exitCode ?? (set === 'failed' ? 1 : 0);
  return {
    name,
    image,
    imageID: '',
    ready: set === 'ready',
    started: phases[set] === 'Running' && set !== 'crash',
    restartCount: restarts ?? (set === 'crash' ? 3 : 0),
    state: containerState(name, wish, now),
    ...(set === 'crash' && { lastState: { terminated: { exitCode: exitCode || 1, reason: 'Error', ...ended } } }),
  };
}

function containerState(name: string, { set, reason, signal, ...wish }: PodStatusWish, now: string): Json {
  if (set === 'pending') return { waiting: { reason: reason ?? 'ContainerCreating' } };
  if (set === 'crash')
    return { waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' } };
  if (set === 'ready' || set === 'unready') return { running: { startedAt: now } };
  const exitCode = wish.containers?.[name] ?? wish.exitCode ?? (set === 'failed' ? 1 : 0);
  const why = exitCode === 0 ? 'Completed' : 'Error';
  return { terminated: { exitCode, reason: why, startedAt: now, finishedAt: now, signal } };
}
