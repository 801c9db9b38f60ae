// What the scheduler tells of pods: conditions, events, and the end of those that make room.
import type { Pod, PodCondition } from '../../generated/core-v1.ts';
import { podKind } from '../../generated/kinds.ts';
import { conditionPatch, withCondition } from '../api/meta/conditions.ts';
import { splitKey } from '../api/meta/object.ts';
import { type Clock, rfc3339 } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../reconcile/controller.ts';
import type { Lister } from '../reconcile/informer.ts';
import type { PodView } from './pod-view.ts';
import type { Preemption } from './preemption.ts';

export interface PodReporterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly pods: Lister<Pod>;
}

/** In whose name it is told. */
export interface Teller {
  readonly name: string;
  readonly recorder: EventRecorder;
}

export interface Unscheduled {
  readonly message: string;
  readonly reason: 'Unschedulable' | 'SchedulerError';
  /** The node that is promised to the pod. */
  readonly promised?: string | undefined;
}

const aboutPod = ({ pod }: PodView) => ({ ...pod, apiVersion: 'v1', kind: 'Pod' });
const observed = ({ metadata }: Pod) => (metadata.generation ? { observedGeneration: metadata.generation } : {});

export class PodReporter {
  readonly #options: PodReporterOptions;

  constructor(options: PodReporterOptions) {
    this.#options = options;
  }

  scheduled(view: PodView, nodeName: string, { recorder }: Teller): void {
    const message = `Successfully assigned ${view.key} to ${nodeName}`;
    recorder.event(aboutPod(view), 'Normal', 'Scheduled', message);
  }

  /** Where the pod is about to go, for those who look ahead: what it needs there may take its time. */
  async expected({ key, pod }: PodView, nodeName: string, signal: AbortSignal): Promise<void> {
    const { client, pods } = this.#options;
    if ((pods.find(key) ?? pod).status?.nominatedNodeName === nodeName) return;
    const patch = { metadata: { uid: pod.metadata.uid }, status: { nominatedNodeName: nodeName } };
    await client.resource(podKind).patch(splitKey(key), patch, { type: 'strategic', subresource: 'status', signal });
  }

  /** The PodScheduled condition and the event: what `kubectl describe` shows of a pending pod. */
  async unscheduled(view: PodView, why: Unscheduled, { recorder }: Teller, signal: AbortSignal): Promise<void> {
    const { client, clock, pods } = this.#options;
    const { message, reason, promised } = why;
    recorder.event(aboutPod(view), 'Warning', 'FailedScheduling', message);
    const current = pods.find(view.key) ?? view.pod;
    const condition: PodCondition = {
      type: 'PodScheduled',
      ...observed(current),
      status: 'False',
      reason,
      message,
      lastTransitionTime: rfc3339(clock.now()),
    };
    const known = current.status?.conditions?.find(({ type }) => type === condition.type);
    const isKnown =
      known?.status === 'False' &&
      known.reason === reason &&
      known.message === message &&
      current.status?.nominatedNodeName === promised;
    if (isKnown) return;
    const conditions = withCondition(current.status?.conditions, condition).filter(
      ({ type }) => type === condition.type,
    );
    const isPromised = promised ?? current.status?.nominatedNodeName;
    const status = { conditions, ...(isPromised ? { nominatedNodeName: promised ?? null } : {}) };
    await client
      .resource(podKind)
      .patch(splitKey(view.key), { status }, { type: 'strategic', subresource: 'status', signal });
  }

  /** Ends the victims; a victim that has gone by itself is an error of kind NotFound. */
  async evict(view: PodView, { node, victims }: Preemption, teller: Teller, signal: AbortSignal): Promise<void> {
    const { client, clock, pods } = this.#options;
    const resource = client.resource(podKind);
    for (const victim of victims) {
      // One that goes already, for another pod maybe, is not told again.
      if ((pods.find(victim.key) ?? victim.pod).metadata.deletionTimestamp) continue;
      const condition: PodCondition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: `${teller.name}: preempting to accommodate a higher priority pod`,
        observedGeneration: victim.pod.metadata.generation ?? 0,
        lastTransitionTime: rfc3339(clock.now()),
      };
      const key = splitKey(victim.key);
      const known = (pods.find(victim.key) ?? victim.pod).status?.conditions;
      const patch = { status: conditionPatch(known, condition) };
      await resource.patch(key, patch, { type: 'strategic', subresource: 'status', signal });
      await resource.delete(key, { preconditions: { uid: victim.pod.metadata.uid! }, signal });
      const message = `Preempted by pod ${view.pod.metadata.uid} on node ${node}`;
      teller.recorder.event(aboutPod(victim), 'Normal', 'Preempted', message);
    }
  }
}
