import type { Pod, PodCondition, PodStatus } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import { conditionPatch } from '../../api/meta/conditions.ts';
import { timeText } from '../../api/meta/time.ts';
import type { Client } from '../../client/client.ts';

export interface Disruption {
  readonly reason: 'DeletionByTaintManager' | 'DeletionByDeviceTaintManager' | 'DeletionByPodGC';
  readonly message: string;
}

/** Says in the pod's status that it is ended from outside, which Jobs and people look for; optionally fails it. */
export async function markDisrupted(
  client: Client,
  pod: Pod,
  { disruption, phase, nowMs }: { disruption?: Disruption; phase?: 'Failed'; nowMs: number },
): Promise<void> {
  const { namespace = '', name, uid, generation } = pod.metadata;
  const known = pod.status?.conditions?.find((each) => each.type === 'DisruptionTarget' && each.status === 'True');
  const condition: PodCondition | undefined =
    disruption && !(known?.reason === disruption.reason)
      ? {
          type: 'DisruptionTarget',
          status: 'True',
          ...(generation ? { observedGeneration: generation } : {}),
          reason: disruption.reason,
          message: disruption.message,
          lastTransitionTime: timeText(nowMs),
        }
      : undefined;
  const status: PodStatus = {
    ...(phase ? { phase, ...(generation ? { observedGeneration: generation } : {}) } : {}),
    ...(condition ? conditionPatch(pod.status?.conditions, condition) : {}),
  };
  if (Object.keys(status).length === 0) return;
  const patch = { metadata: { uid }, status };
  await client.resource(podKind).patch({ namespace, name }, patch, { type: 'strategic', subresource: 'status' });
}
