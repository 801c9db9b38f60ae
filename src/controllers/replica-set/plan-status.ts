import type { ReplicaSetStatus } from '../../../generated/apps-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { findCondition, withoutCondition } from '../../api/meta/conditions.ts';
import { hasLabels } from '../../api/meta/labels.ts';
import { timeText } from '../../api/meta/time.ts';
import { availableInMs, isReady } from '../shared/pod-state.ts';

export interface StatusInput {
  readonly current: ReplicaSetStatus | undefined;
  readonly generation: number;
  readonly minReadySeconds: number;
  readonly templateLabels: Readonly<Record<string, string>> | undefined;
  readonly activePods: readonly Pod[];
  /** Absent for kinds that do not report it. */
  readonly terminating?: number;
  readonly failure?: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string };
  readonly nowMs: number;
}

/** What the status should be, and when to look again although nothing changes: a pod becomes available by waiting. */
export function planReplicaSetStatus(input: StatusInput): { status: ReplicaSetStatus; recheckMs: number | undefined } {
  const { activePods, nowMs, minReadySeconds, templateLabels, terminating } = input;
  let fullyLabeled = 0;
  let ready = 0;
  let available = 0;
  let recheckMs: number | undefined;
  for (const pod of activePods) {
    if (hasLabels(pod.metadata.labels, templateLabels)) fullyLabeled++;
    if (!isReady(pod)) continue;
    ready++;
    const waitMs = availableInMs(pod, minReadySeconds, nowMs);
    if (waitMs === 0) available++;
    else if (waitMs !== undefined) recheckMs = Math.min(recheckMs ?? Number.POSITIVE_INFINITY, waitMs);
  }
  const conditions = planConditions(input);
  const status: ReplicaSetStatus = {
    replicas: activePods.length,
    ...(fullyLabeled ? { fullyLabeledReplicas: fullyLabeled } : {}),
    ...(ready ? { readyReplicas: ready } : {}),
    ...(available ? { availableReplicas: available } : {}),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    observedGeneration: input.generation,
    ...(conditions.length > 0 ? { conditions } : {}),
  };
  return { status, recheckMs };
}

function planConditions({ current, failure, nowMs }: StatusInput) {
  const conditions = current?.conditions ?? [];
  const known = findCondition(conditions, 'ReplicaFailure');
  if (!failure) return known ? withoutCondition(conditions, 'ReplicaFailure') : conditions;
  if (known) return conditions;
  const { reason, message } = failure;
  return [
    ...conditions,
    { type: 'ReplicaFailure', status: 'True', lastTransitionTime: timeText(nowMs), reason, message },
  ];
}
